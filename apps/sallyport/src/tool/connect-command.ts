import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ToolOptions, withToolOptions } from './tool-options.ts';

/** What the command line says of a proxy. */
export interface ProxyCommandOptions {
  readonly proxy?: string;
  readonly proxyUser?: string;
  readonly proxyPasswordFile?: string;
}

/** Where a script puts the proxy's password. */
export const proxyPasswordVariable = 'SALLYPORT_PROXY_PASSWORD';

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
  withVendorOptions(connect).action(async (options: ConnectOptions) =>
    (await import('./travel.ts')).connectTo(options),
  );
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
function sizeArgument(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = units[unit.toLowerCase()];
  const sizeBytes = Math.floor(Number(number) * (factor ?? Number.NaN));
  if (!(sizeBytes >= 1e6))
    throw new InvalidArgumentError('Write a size of at least 1MB, such as 4GB or 700MB.');
  return sizeBytes;
}
