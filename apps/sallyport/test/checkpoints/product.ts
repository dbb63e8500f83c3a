import type { Variant } from '../packages.ts';

/** Text that two releases have nearly in common, so that the newer one travels as a patch. */
function manual(version: string): string {
  const lines = Array.from(
    { length: 4_000 },
    (_, line) => `${line}: ${(line * 2_654_435_761) % 4_294_967_296}`,
  );
  lines[2_000] = `this is the manual of ${version}`;
  return lines.join('\n');
}

export function oldRelease(): Variant {
  return { kind: 'baseline', ballastBytes: 20_000, files: { 'manual.txt': manual('1.0') } };
}

/** With everything that a package may have: prerequisites of both kinds, hooks with and without a probe, a health check. */
export function newRelease(traces: string): Variant {
  const run = (hook: string, verb: string): readonly string[] => [
    '{node}',
    '{release}/hooks/trace.mjs',
    verb,
    traces,
    hook,
  ];
  const timeoutMs = 20_000;
  return {
    ballastBytes: 20_000,
    files: { 'manual.txt': manual('1.1'), 'hooks/trace.mjs': trace },
    fields: {
      prerequisites: [
        {
          id: 'free-disk',
          title: 'Free disk space',
          severity: 'error',
          remedy: 'Free a megabyte.',
          check: { kind: 'free-disk', sizeBytes: 1_000_000 },
        },
        {
          id: 'node',
          title: 'A Node that runs',
          severity: 'error',
          remedy: 'Install one.',
          check: { kind: 'command', command: { run: ['{node}', '--version'], timeoutMs } },
        },
      ],
      hooks: [
        {
          id: 'once',
          phase: 'before-switch',
          run: run('once', 'do'),
          timeoutMs,
          probe: { run: run('once', 'probe'), timeoutMs },
          undo: { run: run('once', 'undo'), timeoutMs },
        },
        { id: 'again', phase: 'after-switch', run: run('again', 'do'), timeoutMs },
      ],
    },
  };
}

/** Notes each time that it does its work, at which site. */
const trace = `
import { accessSync, appendFileSync, rmSync } from 'node:fs';
import process from 'node:process';
const [verb, folder, hook] = process.argv.slice(2);
const file = folder + '/' + process.env.SALLYPORT_STEP_ID.split('/')[0] + '.' + hook;
if (verb === 'do') appendFileSync(file, 'done\\n');
else if (verb === 'probe') accessSync(file);
else rmSync(file, { force: true });
`;
