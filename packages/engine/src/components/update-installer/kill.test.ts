import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { gone } from '../../../test-support/process-state.ts';
import { publishMortal } from './test-support/mortal-package.ts';
import { guids, never, product, TestSite } from './test-support/test-site.ts';

const program = join(import.meta.dirname, 'test-support', 'mortal-server.ts');
const linuxOnly = process.platform === 'linux' ? {} : { skip: 'this part of the promise is for Linux' };

/** Starts a server, and kills it when it has printed a line of which `last` is true. Answers what it printed. */
async function serve(
  t: TestContext,
  folder: string,
  last: (line: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const server = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill('SIGKILL'));
  const lines: string[] = [];
  const ended = new Promise<string>((resolve) => {
    server.once('exit', (code, signal) => resolve(signal ?? String(code)));
  });
  for await (const line of createInterface({ input: server.stdout })) {
    lines.push(line);
    if (await last(line)) server.kill('SIGKILL');
  }
  assert.match(await ended, /^(?:0|SIGKILL)$/);
  return lines;
}

test(
  'a server killed with kill -9 at every step goes on to the end, and ends what it had left running',
  linuxOnly,
  async (t) => {
    const site = await TestSite.open(t);
    const { tree } = await publishMortal(site);
    site.order();
    await site.close();

    const killedAt = new Set<string>();
    let stuckPid = 0;
    for (let lives = 0; ; lives += 1) {
      assert.ok(lives < 20, `still not at the end after ${[...killedAt].join('; ')}`);
      let killed = false;
      await serve(t, site.folder, async (line) => {
        if (
          killed ||
          killedAt.has(line) ||
          !/^(?:Step .* started|Hook .* started|Install of .* (?:started|succeeded))$/.test(line)
        )
          return false;
        // The hook itself must run before its server dies.
        if (line === 'Hook stuck started') stuckPid = await pidIn(join(site.folder, 'trace', 'stuck'));
        killedAt.add(line);
        killed = true;
        return true;
      });
      if (!killed) break;
    }

    const after = await TestSite.attach(site.folder);
    t.after(() => after.close());
    assert.equal(after.projection()?.state, 'INSTALL_SUCCESS');
    assert.equal(await after.runs(), '2.0.0');
    assert.deepEqual(await after.releases.verify(product, '2.0.0', tree, never), []);
    assert.deepEqual((await after.releases.current(product))?.installed, [guids.old, guids.new]);
    assert.deepEqual(await after.trace(), ['prepare']);
    assert.equal(after.journal(), undefined);
    assert.deepEqual(await after.scratchLeft(), []);
    await gone(stuckPid);
    for (const step of ['stage-release', 'switch', 'health-check'])
      assert.ok(killedAt.has(`Step ${step} started`), step);
    assert.ok(killedAt.has('Hook stuck started'));
  },
);

async function pidIn(path: string): Promise<number> {
  for (;;) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text !== '') return Number(text);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
