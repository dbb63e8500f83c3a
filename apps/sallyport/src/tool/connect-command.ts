import process from 'node:process';
import { type MediumChoice } from '@sallyport/core/domain/exchange/medium';
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
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readGivenFile } from '../command/given-file.ts';
import { Screen } from '../output/screen.ts';
import { mediumParts, requestFiles } from './destination.ts';
import { renderTrip } from './render-trip.ts';
import { runTool, type ToolOptions, withToolOptions } from './tool-run.ts';
import {
  namingProxy,
  type ProxyCommandOptions,
  proxyOf,
  proxyPasswordVariable,
  vendorWays,
} from './vendor-ways.ts';

export interface ConnectOptions extends ToolOptions, ProxyCommandOptions {
  readonly from: string;
  readonly to: string;
  readonly vendorUrl?: string;
  readonly trustRoot?: string;
  readonly newest?: true;
  readonly siteVersion?: true;
  readonly hotfixes?: true;
  readonly all?: true;
  readonly maxSize?: number;
}

export function addConnect(tool: Command): void {
  const connect = tool
    .command('connect')
    .description('Where there is internet: hand over what request files carry, and write a medium')
    .requiredOption(
      '--from <folder>',
      'where the request files are, of any number of hierarchies; or one of them',
    )
    .requiredOption('--to <folder>', 'the medium: an empty folder, or that of an earlier trip, which goes on')
    .option(
      '--max-size <size>',
      'write parts of at most this size, in folders part-1, part-2 …: 4GB, 700MB',
      sizeArgument,
    );
  withVendorOptions(connect).action((options: ConnectOptions) => connectTo(options));
}

/** What a trip and its plan have in common. */
export function withVendorOptions(command: Command): Command {
  return withToolOptions(
    command
      .option('--vendor-url <url>', 'the vendor’s cloud, in place of what the requests say')
      .option('--trust-root <file>', 'the vendor’s trust root, in place of those that the requests bring')
      .addOption(
        new Option('--newest', 'bring the newest applicable version update (default)').conflicts([
          'siteVersion',
          'hotfixes',
          'all',
        ]),
      )
      .addOption(
        new Option('--site-version', 'bring everything newer than the site’s version').conflicts([
          'hotfixes',
          'all',
        ]),
      )
      .addOption(new Option('--hotfixes', 'bring all hotfixes, of any version').conflicts(['all']))
      .option('--all', 'bring everything')
      .option('--proxy <url>', 'the proxy on the way to the internet: http://proxy.example.com:3128')
      .option(
        '--proxy-user <name>',
        `who asks it; the password is in ${proxyPasswordVariable}, in a file, or asked for`,
      )
      .option('--proxy-password-file <file>', 'holds the proxy’s password'),
  );
}

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

const units: Readonly<Record<string, number>> = {
  '': 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

/** `4GB`, `700 MB`, `4GiB`. */
export function sizeArgument(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  const sizeBytes = Math.floor(Number(number) * (factor ?? Number.NaN));
  if (!(sizeBytes >= 1e6))
    throw new InvalidArgumentError('Write a size of at least 1MB, such as 4GB or 700MB.');
  return sizeBytes;
}
