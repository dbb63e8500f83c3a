import { Command, Option } from 'commander';
import { collect, count, withData, withKeys } from './command-options.ts';
import { conditionArgument } from './condition.ts';
import { addUsage } from './usage-command.ts';
import type { InitOptions } from './init.ts';
import type { DataOptions, KeyOptions } from './open-cloud.ts';
import type { PublishOptions } from './publish.ts';
import type { RolloutOptions } from './rollout.ts';
import { exitTwoOnUsage } from '../command/run.ts';
import type { ServeOptions } from './serve.ts';

/** `sallyport cloud …`: the vendor's side. The work of each command is loaded when it is called. */
export function cloudCommand(): Command {
  const cloud = new Command('cloud').description(
    'The vendor’s cloud service: publish updates, roll them out, serve them',
  );
  addInit(cloud);
  addPublish(cloud);
  addRollout(cloud);
  addWithdraw(cloud);
  addKeys(cloud);
  addResign(cloud);
  addShow(cloud);
  addEnrolmentCode(cloud);
  addProduct(cloud);
  addUsage(cloud);
  addOffer(cloud);
  addServe(cloud);
  return exitTwoOnUsage(cloud);
}

function addInit(cloud: Command): void {
  const init = withKeys(cloud.command('init'))
    .description('Hold the key ceremony and make an empty repository')
    .requiredOption('--vendor <name>', 'the vendor’s name, as customers will read it')
    .requiredOption('--product <id[:name]>', 'a product to publish updates for (repeatable)', collect)
    .option('--no-usage-data', 'let sites have updates without reporting the facts that targeting needs');
  for (const [role, keys, threshold] of [
    ['root', 3, 2],
    ['targets', 2, 2],
    ['catalogue', 2, 2],
  ] as const) {
    init
      .option(`--${role}-keys <count>`, `how many ${role} keys to make`, count(1, 16), keys)
      .option(`--${role}-threshold <count>`, `how many of them it takes to sign`, count(1, 16), threshold);
  }
  init.action(async (options: InitOptions) => (await import('./init.ts')).init(options));
}

function addPublish(cloud: Command): void {
  withKeys(cloud.command('publish'))
    .description('Publish update packages from their definitions; needs the catalogue keys')
    .argument('<package.yaml...>', 'package definitions')
    .option(
      '--percentage <number>',
      'roll out to this share of hierarchies at once; later "cloud rollout" changes it (default: 0)',
      count(0, 100),
    )
    .option('--check', 'only check the definitions')
    .action(async (files: string[], options: PublishOptions) =>
      (await import('./publish.ts')).publish(files, options),
    );
}

function addRollout(cloud: Command): void {
  withData(cloud.command('rollout'))
    .description('Change how far a package is rolled out; needs the online key only')
    .argument('<package>', 'its GUID, or its version when only one package has it')
    .option('--product <id>', 'the product, when the version alone does not tell')
    .option('--percentage <number>', 'share of hierarchies that may have it', count(0, 100))
    .option('--ring <ring>', 'only hierarchies in this ring ("general": all again)')
    .addOption(
      new Option('--hold <reason>', 'keep it back for now; what has begun goes on').conflicts('release'),
    )
    .addOption(
      new Option('--stop <reason>', 'stop it; installs that have not switched yet stop too').conflicts(
        'release',
      ),
    )
    .option(
      '--where <condition>',
      'hold it only where this is so of reported facts, such as platform.arch=arm64 (repeatable: all of them)',
      conditionArgument,
    )
    .option('--release', 'lift all holds and a stop')
    .option(
      '--stop-above <percent>',
      'stop it by itself when more than this share of the hierarchies that tried to install it failed',
      count(0, 100),
    )
    .option('--of-at-least <number>', 'but not before this many have tried', count(1, 999_999))
    .option('--no-stop-above', 'take that limit away')
    .option('--floor', 'nobody passes this version without installing it')
    .option('--no-floor', 'let hierarchies pass it')
    .action(async (named: string, options: RolloutOptions) =>
      (await import('./rollout.ts')).rollout(named, options),
    );
}

function addWithdraw(cloud: Command): void {
  withKeys(cloud.command('withdraw'))
    .description('Take a package back for good; needs the catalogue keys')
    .argument('<package>', 'its GUID, or its version when only one package has it')
    .requiredOption('--reason <text>', 'why, for the administrators of every site')
    .option('--product <id>', 'the product, when the version alone does not tell')
    .action(async (named: string, options: KeyOptions & { reason: string; product?: string }) =>
      (await import('./rollout.ts')).withdraw(named, options),
    );
}

function addKeys(cloud: Command): void {
  const keys = cloud.command('keys').description('The vendor’s keys');
  withKeys(keys.command('rotate'))
    .description('Give a role new keys, and take the word of the old ones away')
    .addArgument(
      keys
        .createArgument('<role>')
        .choices(['root', 'targets', 'catalog', 'rollout', 'snapshot', 'timestamp', 'offer', 'seal']),
    )
    .option('--keys <count>', 'how many; as many as before when not given', count(1, 16))
    .option('--threshold <count>', 'how many of them it takes to sign', count(1, 16))
    .action(async (role: string, options: KeyOptions & { keys?: number; threshold?: number }) =>
      (await import('./keys.ts')).rotate(role, options),
    );
}

function addResign(cloud: Command): void {
  withKeys(cloud.command('resign'))
    .description('Sign anew what is near its expiry, and show when everything expires')
    .option('--all', 'also what is not near its expiry')
    .option('--dry-run', 'only show the forecast')
    .action(async (options: KeyOptions & { all?: boolean; dryRun?: boolean }) =>
      (await import('./keys.ts')).resign(options),
    );
}

function addShow(cloud: Command): void {
  withKeys(cloud.command('show'))
    .description('Show packages, roll-outs, keys, expiries, hierarchies')
    .action(async (options: KeyOptions) => (await import('./show.ts')).show(options));
}

function addEnrolmentCode(cloud: Command): void {
  withData(cloud.command('enrolment-code'))
    .description('Make codes with which hierarchies enrol, each once; they are shown this once only')
    .option('--count <number>', 'how many', count(1, 1000), 1)
    .option('--expires <days>', 'days after which an unused code is void', count(1, 3650))
    .action(async (options: DataOptions & { count: number; expires?: number }) =>
      (await import('./enrolment-code.ts')).enrolmentCode(options),
    );
}

function addProduct(cloud: Command): void {
  const product = cloud.command('product').description('The vendor’s products');
  withKeys(product.command('add'))
    .description('Add a product with an empty catalogue; needs the catalogue keys')
    .argument('<id[:name]>')
    .option('--no-usage-data', 'let sites have its updates without reporting the facts that targeting needs')
    .action(async (named: string, options: KeyOptions & { usageData: boolean }) =>
      (await import('./init.ts')).addProduct(named, options),
    );
}

function addOffer(cloud: Command): void {
  withData(cloud.command('offer'))
    .description('Say why each package is, or is not, offered to a hierarchy')
    .requiredOption('--explain <hierarchy>', 'its id, or the beginning of it')
    .action(async (options: DataOptions & { explain: string }) =>
      (await import('./explain.ts')).explain(options),
    );
}

function addServe(cloud: Command): void {
  withData(cloud.command('serve'))
    .description('Serve the repository and the exchange, and keep the online signatures fresh')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'TCP port; 0 takes a free one', count(0, 65_535), 0)
    .option('--tls-cert <file>', 'certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--offer-days <days>', 'how long an offer counts', count(1, 365), 7)
    .action(async (options: ServeOptions) => (await import('./serve.ts')).serve(options));
}
