import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { Command } from 'commander';
import { messageOf } from '@sallyport/core/shared/errors';
import { standardOutput } from '../../command/output.ts';
import { Stage } from '../stage.ts';
import { reportTrips } from './report.ts';
import { tellTrips } from './story.ts';

const program = new Command('npm run demo:airgap --')
  .description(
    'Updates without a line: a vendor’s cloud, two hierarchies that cannot reach it, and one courier, on one machine',
  )
  .option('--once', 'end when both hierarchies are updated: exit code 0, or 1 with the reason')
  .option(
    '--data <folder>',
    'an empty folder to keep everything in; a temporary one, removed at the end, when not given',
  );

standardOutput.guard();
const { once, data } = program.parse().opts<{ once?: true; data?: string }>();
process.exitCode = await perform();

async function perform(): Promise<number> {
  const root = data === undefined ? mkdtempSync(join(tmpdir(), 'sallyport-airgap-')) : resolve(data);
  mkdirSync(root, { recursive: true });
  // Programs of packages run without this user's rights and must reach their release.
  if (data === undefined) chmodSync(root, 0o711);
  const stage = new Stage();
  const interrupted = Promise.withResolvers<'interrupted'>();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.resolve('interrupted'));
  // The demonstration's own keys: nothing but it ever trusts them.
  process.env['SALLYPORT_PASSPHRASE'] ??= 'only for the demonstration';
  // The tool writes its log where it runs.
  process.chdir(root);
  try {
    const told = await Promise.race([tellTrips(stage, root), interrupted.promise]);
    if (told === 'interrupted') return 1;
    stage.say('What is really there: each program is run, and the vendor is asked what it was told');
    const { text, complete } = await reportTrips(stage, told);
    process.stdout.write(`${text}\n`);
    if (once) return complete ? 0 : 1;
    stage.say(`Everything keeps running until Ctrl-C, in ${root}`);
    await Promise.race([interrupted.promise, stage.failure]);
    return complete ? 0 : 1;
  } catch (error) {
    process.stderr.write(`\nThe demonstration failed: ${messageOf(error)}\n`);
    return 1;
  } finally {
    await stage.close();
    process.chdir(tmpdir());
    if (data === undefined) rmSync(root, { recursive: true, force: true });
  }
}
