import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Whether the process runs. One that has ended counts as gone even if nobody has taken note of its end. */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat === undefined ? process.platform !== 'linux' : !/\) [ZX] /.test(stat);
}

/** Resolves when the process has gone; fails if it does not go. */
export async function gone(pid: number): Promise<void> {
  assert.ok(pid > 0, 'there is no process id');
  for (let round = 0; round < 100; round += 1) {
    if (!(await isRunning(pid))) return;
    await sleep(50);
  }
  assert.fail(`process ${pid} is still running`);
}
