import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { digest } from '@sallyport/core/shared/ids';
import { usageReportFormat } from '@sallyport/core/wire/usage';
import { SqliteCloudDatabase } from '../../storage/sqlite/cloud/cloud-database.ts';
import { sha256Of } from '../sha256.ts';

// dying-intake.ts DATABASE REPORT STEPS: accepts a report at the instant 7, and is killed as soon as it is stored, or
// after so many steps of the event loop when that is earlier.
const [database = '', file = '', steps = ''] = process.argv.slice(2);
const opened = await SqliteCloudDatabase.open(database);
const payload = await readFile(file);
const work = opened.acceptReport(
  usageReportFormat.parse(payload),
  { sha256: digest(sha256Of(payload)), sizeBytes: payload.length },
  7,
);
await Promise.race([work, dawdle(Number(steps))]);
process.kill(process.pid, 'SIGKILL');
await new Promise(() => undefined);

async function dawdle(count: number): Promise<void> {
  for (let step = 0; step < count; step += 1) await setImmediate();
}
