import { spawnSync } from 'node:child_process';

/** How commands are started that are to have no network at all; undefined where this machine cannot do that. */
export function withoutNetwork(): readonly string[] | undefined {
  const within = ['unshare', '--net', '--'];
  const [program = '', ...rest] = within;
  return spawnSync(program, [...rest, 'true'], { stdio: 'ignore' }).status === 0 ? within : undefined;
}
