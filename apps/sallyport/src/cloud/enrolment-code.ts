import { makeCodes } from '@sallyport/engine/cloud/enrolment';
import { systemClock } from '@sallyport/engine/compute/clock';
import { systemRandom } from '@sallyport/engine/compute/random';
import { days } from '@sallyport/core/shared/units';
import { type DataOptions, openDatabase } from './open-cloud.ts';
import { standardOutput } from '../command/output.ts';
import { printJson, printLine, runCommand } from '../command/run.ts';

/** `cloud enrolment-code`: one code a line, and nothing else on standard output. */
export async function enrolmentCode(
  options: DataOptions & { readonly count: number; readonly expires?: number },
): Promise<void> {
  await runCommand(options.json === true, async () => {
    const database = await openDatabase(options);
    try {
      const now = systemClock.now();
      const expiresAt = options.expires === undefined ? undefined : now + days(options.expires);
      const codes = await makeCodes(database, systemRandom, {
        count: options.count,
        now,
        ...(expiresAt === undefined ? {} : { expiresAt }),
      });
      standardOutput.ifNotShown(
        'the codes are made and count as unused, but only their digests are kept: one that nobody has read lets nobody in, so ask for others',
      );
      if (options.json === true) {
        printJson({
          codes,
          ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() }),
        });
        return;
      }
      for (const code of codes) {
        printLine(code);
      }
    } finally {
      await database.close();
    }
  });
}
