import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { describe, test, type TestContext } from 'node:test';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import {
  type AttackedSite,
  attackedSite,
  catalogue,
  nowMs,
  vendorRepository,
} from '../../../test-support/attacked-trust.ts';
import { TrustRefresher } from '../../../src/components/trust/refresher.ts';
import { nodeDigests } from '../../../src/compute/digest.ts';
import { checkSignature } from '../../../src/compute/signature-check.ts';
import type { Answer } from '../../../test-support/loopback-server.ts';

const { signal } = new AbortController();
const here = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

const script = `
  import { TrustRefresher } from ${here('../../../src/components/trust/refresher.ts')};
  import { nodeDigests } from ${here('../../../src/compute/digest.ts')};
  import { checkSignature } from ${here('../../../src/compute/signature-check.ts')};
  import { FileTrustStore } from ${here('../../../src/storage/files/trust-store.ts')};
  import { HttpRepository } from ${here('../../../src/transport/content-http/http-repository.ts')};
  const [folder, url] = process.argv.slice(1);
  const source = new HttpRepository({ metadataUrl: url + 'metadata', targetsUrl: url + 'targets' });
  const client = new TrustRefresher({ store: new FileTrustStore(folder), source, check: checkSignature, digests: nodeDigests });
  process.on('message', async () => {
    const outcome = await client.refresh(${nowMs}, new AbortController().signal).then(
      ({ timestamp }) => 'trusts ' + timestamp,
      (error) => error.code,
    );
    process.send(outcome);
  });
  process.send('ready');`;

/** Another process that works in the site's trust store when told to. */
async function neighbour(t: TestContext, site: AttackedSite): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ['--input-type=module-typescript', '-e', script, site.folder, site.server.url],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'message');
  return child;
}

async function refreshOf(child: ChildProcess): Promise<string> {
  const answer = once(child, 'message');
  child.send('refresh');
  return String((await answer)[0]);
}

/** Keeps an answer back until it is let go. */
function held(bytes: Uint8Array): {
  readonly answer: Answer;
  readonly asked: Promise<void>;
  readonly letGo: () => void;
} {
  const asked = Promise.withResolvers<void>();
  const free = Promise.withResolvers<void>();
  return {
    asked: asked.promise,
    letGo: free.resolve,
    answer: (_, response) => {
      asked.resolve();
      void free.promise.then(() => response.end(bytes));
    },
  };
}

async function trustedVersion({ store }: AttackedSite): Promise<number> {
  return parseMetadata('timestamp', (await store.load('timestamp')) ?? new Uint8Array()).signed.version;
}

describe('of two processes on one trust store', { timeout: 60_000 }, () => {
  test('one that was served an older version cannot take back what the other has stored meanwhile', async (t) => {
    const site = await attackedSite(t);
    const child = await neighbour(t, site);
    site.repo.publish('timestamp');
    const older = held(site.repo.bytes('timestamp'));
    site.twists.set('metadata/timestamp.json', older.answer);
    const slow = refreshOf(child);
    await older.asked;
    // While the other one waits for version 3, version 4 comes out, and this one looks.
    site.twists.clear();
    site.repo.publish('timestamp');
    await assert.rejects(site.refresher().refresh(nowMs, signal), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'FOLDER_IN_USE');
      assert.ok(
        error.message.includes(site.folder) && error.message.includes(`process ${child.pid}`),
        error.message,
      );
      return true;
    });
    older.letGo();
    assert.equal(await slow, 'trusts 3');
    assert.equal((await site.refresher().refresh(nowMs, signal)).timestamp, 4);
    assert.equal(await refreshOf(child), 'trusts 4');
  });

  test('both keep the newest version, whoever looks when, and one that is refused may look again', async (t) => {
    const site = await attackedSite(t);
    const child = await neighbour(t, site);
    let newest = 2;
    let refusals = 0;
    for (let round = 0; round < 12; round += 1) {
      site.repo.publish('timestamp');
      newest += 1;
      const mine = site
        .refresher()
        .refresh(nowMs, signal)
        .then(
          ({ timestamp }) => `trusts ${timestamp}`,
          (error: Error & { code?: string }) => String(error.code),
        );
      const outcomes = [await refreshOf(child), await mine];
      assert.ok(outcomes.includes(`trusts ${newest}`), outcomes.join(', '));
      refusals += outcomes.filter((outcome) => outcome === 'FOLDER_IN_USE').length;
      assert.ok(outcomes.every((outcome) => outcome === `trusts ${newest}` || outcome === 'FOLDER_IN_USE'));
      assert.equal(await trustedVersion(site), newest);
    }
    t.diagnostic(`${refusals} of 24 looks were refused`);
  });

  test('one that is killed while it works leaves the store whole, and the other goes on at once', async (t) => {
    const site = await attackedSite(t);
    const before = await site.files();
    const child = await neighbour(t, site);
    site.repo.publishTargets();
    const never = held(new Uint8Array());
    site.twists.set('metadata/3.snapshot.json', never.answer);
    child.send('refresh');
    await never.asked;
    child.kill('SIGKILL');
    await once(child, 'exit');
    const after = await site.files();
    assert.deepEqual(
      Object.keys(after).filter((path) => after[path] !== before[path]),
      ['timestamp.json'],
    );
    site.twists.clear();
    assert.equal(await site.exchange(), 'the catalogue');
  });
});

describe('a trust store in which somebody', () => {
  for (const [name, bytes] of [
    ['emptied', Buffer.alloc(0)],
    ['cut short', Buffer.from('{"signatures": [')],
    ['overwrote', Buffer.alloc(3000, 0xff)],
  ] as const) {
    for (const role of ['timestamp', 'snapshot', 'targets', 'catalog']) {
      test(`${name} ${role} says so without a source, and is mended by the next refresh`, async (t) => {
        const site = await attackedSite(t);
        const before = await site.files();
        await writeFile(join(site.folder, `${role}.json`), bytes);
        const offline = new TrustRefresher({
          store: site.store,
          check: checkSignature,
          digests: nodeDigests,
        });
        const opened = offline.openStored(nowMs).then(() => offline.targetInfo(catalogue, signal));
        await assert.rejects(opened, (error) => {
          assert.ok(error instanceof TrustError, String(error));
          assert.match(error.message, new RegExp(`^${role}`));
          return true;
        });
        assert.equal(await site.exchange(), 'the catalogue');
        assert.deepEqual(await site.files(), before);
      });
    }
  }

  test('damaged the root goes on with the one in its history', async (t) => {
    const site = await attackedSite(t);
    const before = await site.files();
    await writeFile(join(site.folder, 'root.json'), '');
    assert.equal(await site.exchange(), 'the catalogue');
    assert.deepEqual(await site.files(), before, 'mended');
  });

  test('damaged every copy of the root is not worked with at all, and says what helps', async (t) => {
    const site = await attackedSite(t);
    await writeFile(join(site.folder, 'root.json'), '');
    for (const name of await readdir(join(site.folder, 'root_history')))
      await writeFile(join(site.folder, 'root_history', name), '{');
    const asked = site.server.requests.length;
    await assert.rejects(site.exchange(), (error) => {
      assert.ok(error instanceof TrustError);
      assert.equal(error.code, 'MALFORMED');
      assert.match(
        error.message,
        /^the root that is pinned here was damaged.*restore the site's trust folder from a backup/,
      );
      return true;
    });
    assert.equal(site.server.requests.length, asked, 'nobody is asked');
  });

  test('put another vendor’s root beside its own metadata trusts none of that', async (t) => {
    const site = await attackedSite(t);
    const foreign = vendorRepository();
    await writeFile(join(site.folder, 'root.json'), foreign.metadataFiles.get('1.root.json') ?? '');
    await assert.rejects(site.refresher().openStored(nowMs), (error) => {
      assert.ok(error instanceof TrustError);
      assert.equal(error.code, 'BELOW_THRESHOLD');
      assert.match(
        error.message,
        /^timestamp version 2 is signed by 0 of the 1 keys that root version 1 asks for/,
      );
      return true;
    });
    await assert.rejects(site.exchange(), { code: 'BELOW_THRESHOLD' });
  });
});
