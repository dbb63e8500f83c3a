import process from 'node:process';
import { epochMax } from '@sallyport/core/domain/sites/epoch';
import { Command, Option } from 'commander';
import { addSiteQueries } from '../client/site-command.ts';
import { addAudit } from '../client/usage-command.ts';
import { defaultDataFolder } from '../client/default-data-folder.ts';
import { positiveNumber } from '../command/arguments.ts';
import { standardOutput } from '../command/output.ts';
import { printJson, printLine, runCommand, serverGraceMs } from '../command/run.ts';
import { newPassphrase } from '../command/passphrase.ts';
import { secretOf } from '../command/secret.ts';
import { checkAnswers, type SetupOptions } from './setup-answers.ts';
import { setUpSite } from './setup.ts';
import { restoredText, restoreSite } from './restore.ts';
import { startSiteServer } from './site-server.ts';

/** `sallyport site …`: set a site up, run it, and ask it about itself. */
export function siteCommand(): Command {
  const site = new Command('site').description('A site: set it up, run it, ask it about itself');
  setup(site);
  run(site);
  restore(site);
  addSiteQueries(site);
  addAudit(site);
  return site;
}

function setup(parent: Command): void {
  parent
    .command('setup')
    .description(
      'Make a site of a data folder: with a join token a site below another, without one the top-tier site of a new hierarchy',
    )
    .option('--data <folder>', 'the site’s data folder', defaultDataFolder)
    .requiredOption('--code <code>', 'site code: three of A-Z and 0-9')
    .addOption(new Option('--type <type>', 'central, primary or secondary').makeOptionMandatory())
    .requiredOption('--trust-root <file>', 'the vendor’s trust root, from the vendor’s hand: 1.root.json')
    .option(
      '--listen <host:port>',
      'where child sites dial in; port 0 is a free one, kept from the first start on (default: 127.0.0.1:0)',
    )
    .option(
      '--token-file <file>',
      'for a site that joins another: holds the word of "sallyport site token"; "-" is standard input',
    )
    .option('--join <token>', 'that word itself, where nobody else may list the processes of this machine')
    .option('--vendor-url <url>', 'top-tier site: the vendor’s cloud service or repository')
    .option(
      '--enrolment-code-file <file>',
      'top-tier site: holds the vendor’s word by which the hierarchy registers; "-" is standard input',
    )
    .option('--enrolment-code <code>', 'top-tier site: that word itself')
    .option('--local-applicability', 'top-tier site: only a static repository, nothing is sent to the vendor')
    .option(
      '--offline',
      'top-tier site: nothing goes to the vendor but by media, with "sallyport tool"; the enrolment code travels in the first request file',
    )
    .option(
      '--recovery-key <file>',
      'top-tier site: where to write the hierarchy’s recovery key, to be taken offline',
    )
    .option(
      '--passphrase-file <file>',
      'top-tier site: holds the passphrase that seals the recovery key (else SALLYPORT_PASSPHRASE, else asked)',
    )
    .option(
      '--media <folder>',
      'a medium: a copy of the vendor’s repository, for the first release; a joining site takes it from its parent without one',
    )
    .option(
      '--media-max-age-days <days>',
      'how long past expiry a medium’s timestamp and snapshot still count, at set-up and, offline, from then on (default: 30)',
    )
    .option('--baseline <product=version...>', 'the first release of each product on the medium')
    .option(
      '--usage-level <level>',
      'top-tier site: how much the hierarchy tells its vendor: basic, enhanced, full (default: enhanced)',
    )
    .option('--ring <ring>', 'top-tier site: the release ring of the hierarchy (default: general)')
    .option('--check-hours <hours>', 'longest time between two checks for updates (default: 24)')
    .option('--json', 'one JSON document at the end instead of sentences')
    .action((options: SetupCommandOptions) =>
      runCommand(options.json === true, async (signal) => {
        const answers = checkAnswers(await withSecrets(options));
        const say = (text: string): void => {
          if (!options.json) printLine(text);
        };
        const config = await setUpSite(
          answers,
          { say, passphrase: () => newPassphrase('the recovery key', options.passphraseFile) },
          signal,
        );
        if (options.json) printJson(config);
        else
          printLine(
            `site ${config.code} is set up: start it with "sallyport site run --data ${answers.data}"`,
          );
      }),
    );
}

interface SetupCommandOptions extends SetupOptions {
  readonly tokenFile?: string;
  readonly enrolmentCodeFile?: string;
  readonly passphraseFile?: string;
  readonly json?: true;
}

/** The options with the words that may lie in files. @throws {SecretError} */
async function withSecrets(options: SetupCommandOptions): Promise<SetupOptions> {
  const join = await secretOf({
    what: 'join token',
    word: options.join,
    file: options.tokenFile,
    wordOption: '--join',
    fileOption: '--token-file',
  });
  const enrolmentCode = await secretOf({
    what: 'enrolment code',
    word: options.enrolmentCode,
    file: options.enrolmentCodeFile,
    wordOption: '--enrolment-code',
    fileOption: '--enrolment-code-file',
  });
  return {
    ...options,
    ...(join === undefined ? {} : { join }),
    ...(enrolmentCode === undefined ? {} : { enrolmentCode }),
  };
}

function run(parent: Command): void {
  parent
    .command('run')
    .description('Run the site server until it is ended with Ctrl-C or SIGTERM')
    .option('--data <folder>', 'the site’s data folder', defaultDataFolder)
    .option('--log-json', 'structured log lines on standard output')
    .action((options: RunOptions) =>
      runCommand(false, (signal) => serveUntilEnded(options, signal), serverGraceMs),
    );
}

interface RunOptions {
  readonly data: string;
  readonly logJson?: true;
}

async function serveUntilEnded(options: RunOptions, signal: AbortSignal): Promise<void> {
  standardOutput.serve((text) => process.stderr.write(`sallyport: ${text}\n`));
  const server = await startSiteServer(options.data, options.logJson ? process.stdout : undefined);
  const { code, type } = server.config;
  const link = server.link === undefined ? '' : `, child sites dial ${server.link.host}:${server.link.port}`;
  printLine(`site ${code} (${type}) is running${link}`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const leftBehind = await server.close();
  if (leftBehind.length > 0) {
    // What does not stop would keep the process alive for ever.
    process.stderr.write(`sallyport: ended without waiting for ${leftBehind.join(', ')}\n`);
    process.exit(1);
  }
  printLine(`site ${code} has stopped`);
}

function restore(parent: Command): void {
  parent
    .command('restore')
    .description(
      'Put a backup of a stopped site’s database into force, or say that its folder was restored by other means: the site goes on in a higher epoch, and older copies of it are refused',
    )
    .option('--data <folder>', 'the site’s data folder', defaultDataFolder)
    .option('--from <file>', 'a file of the folder "backup"; without it the database that is there goes on')
    .option(
      '--epoch <number>',
      'at least this epoch, when another site names a higher one than is known here',
      positiveNumber(epochMax),
    )
    .option('--json', 'one JSON document instead of sentences')
    .action((options: { data: string; from?: string; epoch?: number; json?: true }) =>
      runCommand(options.json === true, async () => {
        const restored = await restoreSite(options.data, options);
        if (options.json) printJson(restored);
        else printLine(restoredText(restored, options.data));
      }),
    );
}
