import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { Command, Option } from 'commander';
import { messageOf } from '@sallyport/core/shared/errors';
import { standardOutput } from '../command/output.ts';
import { report } from './report.ts';
import { Stage } from './stage.ts';
import { tellStory } from './story.ts';
import { topologies, type TopologyName } from './topology.ts';

interface Options {
  readonly once?: true;
  readonly topology: TopologyName;
  readonly data?: string;
}

const program = new Command('npm start --')
  .description(
    'The main job on one machine: a vendor’s cloud, a hierarchy of sites, and a real update of the TypeScript compiler',
  )
  .option('--once', 'end when every site is updated: exit code 0, or 1 with the reason')
  .addOption(
    new Option('--topology <name>', 'which sites').choices(Object.keys(topologies)).default('hierarchy'),
  )
  .option(
    '--data <folder>',
    'an empty folder to keep everything in; a temporary one, removed at the end, when not given',
  );

standardOutput.guard();
const options = program.parse().opts<Options>();
process.exitCode = await perform(options);

async function perform({ once, topology, data }: Options): Promise<number> {
  const root = data === undefined ? mkdtempSync(join(tmpdir(), 'sallyport-')) : resolve(data);
  mkdirSync(root, { recursive: true });
  // Programs of packages run without this user's rights and must reach their release.
  if (data === undefined) chmodSync(root, 0o711);
  const stage = new Stage();
  const interrupted = Promise.withResolvers<'interrupted'>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.resolve('interrupted'));
  // The demonstration's own keys: nothing but it ever trusts them.
  process.env['SALLYPORT_PASSPHRASE'] ??= 'only for the demonstration';
  try {
    const told = await Promise.race([tellStory(stage, root, topologies[topology]), interrupted.promise]);
    if (told === 'interrupted') return 1;
    stage.say('7. What is really installed: every compiler is run, every file’s digest checked');
    const { text, complete } = await report(topologies[topology], told);
    process.stdout.write(`${text}\n`);
    if (once) return complete ? 0 : 1;
    stage.say(
      `Everything keeps running until Ctrl-C. Try: node_modules/.bin/sallyport update history --data ${join(root, topologies[topology][0].code.toLowerCase())}`,
    );
    await Promise.race([interrupted.promise, stage.failure]);
    return complete ? 0 : 1;
  } catch (error) {
    process.stderr.write(`\nThe demonstration failed: ${messageOf(error)}\n`);
    return 1;
  } finally {
    await stage.close();
    if (data === undefined) rmSync(root, { recursive: true, force: true });
  }
}
