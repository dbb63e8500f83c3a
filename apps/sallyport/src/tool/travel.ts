import process from 'node:process';
import type { MediumChoice } from '@sallyport/core/domain/exchange/medium';
import { formatBytes, formatDuration } from '@sallyport/core/shared/units';
import { makeTrip } from '@sallyport/engine/components/courier/courier';
import type {
  CourierProgress,
  CourierResult,
  MediumParts,
} from '@sallyport/engine/components/courier/courier-ports';
import { systemClock } from '@sallyport/engine/compute/clock';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { systemRandom } from '@sallyport/engine/compute/random';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import type { Log } from '@sallyport/engine/ports/log';
import { fileArchives } from '@sallyport/engine/storage/files/part-archives';
import { readGivenFile } from '../command/given-file.ts';
import { Screen } from '../output/screen.ts';
import type { ConnectOptions } from './connect-command.ts';
import { mediumParts, requestFiles } from './destination.ts';
import { renderTrip } from './render-trip.ts';
import type { ToolOptions } from './tool-options.ts';
import { runTool } from './tool-run.ts';
import { namingProxy, proxyOf, vendorWays } from './vendor-ways.ts';

/** `tool connect`. */
export function connectTo(options: ConnectOptions): Promise<void> {
  return runTool(
    'connect',
    options,
    async (log, signal) => {
      const result = await travel(
        options,
        await mediumParts(options.to, options.maxSize !== undefined),
        log,
        signal,
      );
      if (!result.complete) process.exitCode = 1;
      return result;
    },
    renderTrip,
  );
}

/** Makes a trip, or only plans it, to the parts of a medium. */
export async function travel(
  options: ConnectOptions,
  parts: MediumParts,
  log: Log,
  signal: AbortSignal,
  planOnly?: true,
): Promise<CourierResult> {
  const proxy = await proxyOf(options);
  const ways = vendorWays(proxy, systemClock);
  const choice = choiceOf(options);
  const trustRoot =
    options.trustRoot === undefined
      ? undefined
      : new Uint8Array(await readGivenFile(options.trustRoot, 'the trust root', 512 * 1024));
  try {
    return await makeTrip(
      {
        archives: fileArchives,
        parts,
        vendor: ways.open,
        check: checkSignature,
        digests: nodeDigests,
        clock: systemClock,
        random: systemRandom,
        log,
      },
      {
        requests: await requestFiles(options.from),
        ...(options.vendorUrl === undefined ? {} : { vendorUrl: options.vendorUrl }),
        ...(choice === undefined ? {} : { choice }),
        ...(options.maxSize === undefined ? {} : { partMaxBytes: options.maxSize }),
        ...(trustRoot === undefined ? {} : { trustRoot }),
        ...(planOnly === undefined ? {} : { planOnly }),
      },
      progressScreen(options),
      signal,
    );
  } catch (error) {
    throw namingProxy(error, proxy);
  } finally {
    await ways.close();
  }
}

function choiceOf({ newest, siteVersion, hotfixes, all }: ConnectOptions): MediumChoice | undefined {
  if (all) return 'all';
  if (hotfixes) return 'hotfixes';
  if (siteVersion) return 'site-version';
  return newest ? 'newest' : undefined;
}

/** On a terminal a line that changes; elsewhere nothing: the log has what there is to keep. */
function progressScreen({ json }: ToolOptions): (progress: CourierProgress) => void {
  if (json === true || !process.stderr.isTTY) return () => undefined;
  const screen = new Screen(process.stderr);
  return ({ doneBytes, totalBytes, bytesPerSecond, remainingMs }) => {
    const left = remainingMs === undefined ? '' : `, ${formatDuration(remainingMs)} left`;
    screen.show([
      `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}, ${formatBytes(Math.round(bytesPerSecond))}/s${left}`,
    ]);
  };
}
