import { join } from 'node:path';
import type { TestPackage, TestSite } from './test-site.ts';

/** The package that the killed servers install. The first run of its hook `stuck` never ends by itself. */
export async function publishMortal(site: TestSite): Promise<TestPackage> {
  const timeoutMs = 30_000;
  const marker = join(site.folder, 'trace', 'stuck');
  const stuck = `if [ ! -e '${marker}' ]; then echo $$ > '${marker}.new'; mv '${marker}.new' '${marker}'; echo stuck; exec sleep 900; fi`;
  return site.publish({
    hooks: [
      {
        id: 'prepare',
        phase: 'before-switch',
        run: site.tracing('prepare'),
        timeoutMs,
        probe: {
          run: ['/bin/sh', '-c', `grep -q prepare '${join(site.folder, 'trace', 'log')}'`],
          timeoutMs,
        },
      },
      { id: 'stuck', phase: 'after-switch', run: ['/bin/sh', '-c', stuck], timeoutMs },
    ],
  });
}
