import { join } from 'node:path';
import { median } from '../figures.ts';
import type { BenchContext, Part } from '../part.ts';
import type { Table } from '../report.ts';
import { Commands } from '../scene/commands.ts';
import { startCountingProxy, type Traffic } from '../scene/counting-proxy.ts';

/** What it costs to ask the vendor when there is nothing new. */
export const exchangePart: Part = { name: 'exchange', run };

const hello = join(import.meta.dirname, '../../../examples/hello');

async function run({ folder, signal, say, quick }: BenchContext): Promise<readonly Table[]> {
  const commands = new Commands(signal);
  const cloud = join(folder, 'cloud');
  const site = join(folder, 'site');
  const few = ['root', 'targets', 'catalogue'].flatMap((role) => [
    `--${role}-keys`,
    '1',
    `--${role}-threshold`,
    '1',
  ]);
  try {
    say('sets up a cloud service and a site');
    await commands.run(
      'cloud',
      'init',
      '--data',
      cloud,
      '--vendor',
      'Bench',
      '--product',
      'hello:Hello',
      ...few,
    );
    const definitions = ['1.0', '1.1'].map((version) => join(hello, version, 'package.yaml'));
    await commands.run('cloud', 'publish', '--data', cloud, '--percentage', '100', ...definitions);
    const url = await commands.serve(
      /^listening on (\S+)$/,
      'cloud',
      'serve',
      '--data',
      cloud,
      '--port',
      '0',
    );
    const proxy = await startCountingProxy(new URL(url));
    try {
      const code = await commands.run('cloud', 'enrolment-code', '--data', cloud);
      const repository = join(cloud, 'repository');
      const setup = [
        ['site', 'setup', '--data', site, '--code', 'CAS', '--type', 'central'],
        ['--trust-root', join(repository, 'metadata', '1.root.json'), '--vendor-url', proxy.url],
        ['--media', repository, '--baseline', 'hello=1.0'],
        ['--recovery-key', join(folder, 'recovery.pem'), '--enrolment-code', code],
      ];
      await commands.run(...setup.flat());
      await commands.serve(/ is running/, 'site', 'run', '--data', site);
      await commands.run('update', 'check', '--data', site);
      await commands.run('update', 'download', '1.1', '--data', site, '--wait');
      // What came of the download is reported first.
      await commands.run('update', 'check', '--data', site);
      proxy.take();
      const measured: Traffic[] = [];
      const rounds = quick ? 2 : 9;
      for (let round = 0; round < rounds; round += 1) {
        say(`exchange ${String(round + 1)} of ${String(rounds)}`);
        await commands.run('update', 'check', '--data', site);
        measured.push(proxy.take());
      }
      const of = (pick: (traffic: Traffic) => number): number => median(measured.map(pick));
      return [
        {
          title: 'One exchange with nothing new',
          columns: [
            { key: 'requests', label: 'requests', format: 'count' },
            { key: 'outBytes', label: 'bytes out', format: 'bytes' },
            { key: 'inBytes', label: 'bytes in', format: 'bytes' },
            { key: 'elapsedMs', label: 'time on the line', format: 'duration' },
          ],
          rows: [
            {
              requests: of(({ requests }) => requests),
              outBytes: of(({ outBytes }) => outBytes),
              inBytes: of(({ inBytes }) => inBytes),
              elapsedMs: of(({ elapsedMs }) => elapsedMs),
            },
          ],
          notes: [
            `Medians of ${String(rounds)}: the commands that ship, as processes, over loopback without TLS; counted on the connection, HTTP included.`,
            'Metadata are looked for, a report of facts goes out, its receipt and a new offer come in, each signed and stored durably on both sides.',
          ],
        },
      ];
    } finally {
      await commands.close();
      await proxy.close();
    }
  } finally {
    await commands.close();
  }
}
