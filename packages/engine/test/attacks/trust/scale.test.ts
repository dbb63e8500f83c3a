import assert from 'node:assert/strict';
import { Session } from 'node:inspector/promises';
import { after, describe, test, type TestContext } from 'node:test';
import { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import {
  attackedSite,
  catalogue,
  nowMs,
  vendorRepository,
  withstands,
} from '../../../test-support/attacked-trust.ts';
import { nodeDigests } from '../../../src/compute/digest.ts';
import { checkSignature } from '../../../src/compute/signature-check.ts';

const { signal } = new AbortController();

/** Counts blocks of this repository's own sources as they are entered; begun before any of them has run, or V8 counts calls only. */
const counting = new Session();
counting.connect();
await counting.post('Profiler.enable');
await counting.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
after(() => counting.disconnect());

/** How often blocks were entered since the last call. */
async function blocksEntered(): Promise<number> {
  const { result } = await counting.post('Profiler.takePreciseCoverage');
  return result
    .filter(({ url }) => /\/packages\/(?:core|engine)\/src\//.test(url))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)))
    .reduce((sum, count) => sum + count, 0);
}

/** Work of a site that takes what a repository publishes, and looks a target up. */
async function workOf(
  t: TestContext,
  repo: TufRepository,
  path: string,
): Promise<{ readonly entered: number; readonly checks: number; readonly digested: number }> {
  const site = await attackedSite(t);
  await site.store.saveRoot(1, repo.metadataFiles.get('1.root.json') ?? new Uint8Array());
  for (const role of ['timestamp', 'snapshot', 'targets', 'catalog'])
    await site.store.save(role, Buffer.from('none'));
  let checks = 0;
  let digested = 0;
  const client = site.refresher({
    source: repo,
    check: (key, signature, message) => {
      checks += 1;
      return checkSignature(key, signature, message);
    },
    digests: {
      ...nodeDigests,
      of: (algorithm, bytes) => {
        digested += bytes.length;
        return nodeDigests.of(algorithm, bytes);
      },
    },
  });
  await blocksEntered();
  await client.refresh(nowMs, signal);
  assert.ok((await client.targetInfo(path, signal)) !== undefined, path);
  return { entered: await blocksEntered(), checks, digested };
}

function withTargets(count: number): TufRepository {
  const repo = new TufRepository({ nowMs });
  const { targets } = repo.targets();
  for (let index = 0; index < count; index += 1) {
    targets[`packages/${index}/${'p'.repeat(20)}.json`] = {
      length: index,
      hashes: { sha256: 'ab'.repeat(32) },
    };
  }
  repo.publishTargets();
  return repo;
}

test('16,000 targets cost at most in proportion what 2,000 cost, and not one signature check more', async (t) => {
  const path = `packages/77/${'p'.repeat(20)}.json`;
  const few = await workOf(t, withTargets(2000), path);
  const many = await workOf(t, withTargets(16_000), path);
  assert.equal(many.checks, few.checks);
  // Eight times as many; the canonical form sorts them, which adds the logarithm.
  assert.ok(many.digested <= 8.1 * few.digested, `${few.digested} to ${many.digested} bytes digested`);
  assert.ok(many.entered <= 8 * 1.3 * few.entered, `${few.entered} to ${many.entered} steps`);
  assert.ok(few.entered > 100_000, 'the work is counted at all');
});

test('16,000 roles in a snapshot cost at most in proportion what 2,000 cost', async (t) => {
  const withRoles = (count: number): TufRepository => {
    const repo = vendorRepository();
    for (let index = 0; index < count; index += 1) repo.snapshot.meta[`role-${index}.json`] = { version: 1 };
    repo.publish('snapshot', 'timestamp');
    return repo;
  };
  const few = await workOf(t, withRoles(2000), catalogue);
  const many = await workOf(t, withRoles(16_000), catalogue);
  assert.equal(many.checks, few.checks);
  assert.ok(many.entered <= 8 * 1.3 * few.entered, `${few.entered} to ${many.entered} steps`);
});

test('a thousand keys and signatures of a role cost one check each, and none after the threshold is met', async (t) => {
  const withKeys = (count: number): TufRepository => {
    const repo = vendorRepository();
    for (let index = 0; index < count; index += 1) repo.addKey('catalog');
    repo.publish('targets', 'catalog', 'snapshot', 'timestamp');
    return repo;
  };
  const few = await workOf(t, withKeys(1), catalogue);
  const many = await workOf(t, withKeys(1000), catalogue);
  assert.equal(many.checks, few.checks);
});

describe('a chain of roots', () => {
  test('of 256 new versions is followed in one refresh, with every version kept', async (t) => {
    const site = await attackedSite(t);
    for (let index = 0; index < 256; index += 1) {
      if (index % 50 === 0) site.repo.rotateKeys('root');
      site.repo.publish('root');
    }
    assert.equal((await site.refresher().refresh(nowMs, signal)).root, 257);
    assert.deepEqual(
      Object.keys(await site.files()).filter((path) => path.startsWith('root_history')).length,
      257,
    );
  });

  test('without an end costs a refresh 256 versions and says how to go on, and the next one does', async (t) => {
    const site = await attackedSite(t);
    site.repo.publish(...Array.from({ length: 257 }, () => 'root'));
    const before = site.server.requests.length;
    await assert.rejects(site.refresher().refresh(nowMs, signal), (error) => {
      assert.ok(error instanceof TrustError);
      assert.equal(error.code, 'TOO_MANY_ROOTS');
      assert.match(
        error.message,
        /127\.0\.0\.1.* has more than 256 new root versions; version 257 is stored: refresh again/,
      );
      return true;
    });
    assert.equal(site.server.requests.length - before, 257);
    assert.equal((await site.refresher().refresh(nowMs, signal)).root, 258);
  });

  test('with one forged version in its middle ends before it', (t) =>
    withstands(t, {
      does: ({ repo }) => {
        repo.publish('root', 'root', 'root');
        repo.metadataFiles.set('3.root.json', repo.sign('root', []));
      },
      code: 'BELOW_THRESHOLD',
      says: /^root version 4 is signed by 0 of the 1 keys that root version 2 asks for/,
      advances: ['root.json', 'root_history/2.root.json'],
    }));
});

describe('delegations', () => {
  test('in a circle end, and each role is asked for once', async (t) => {
    const repo = vendorRepository();
    repo.delegate('targets', 'a', { paths: ['circle/*'] });
    repo.delegate('a', 'b', { paths: ['circle/*'] });
    repo.delegate('b', 'a', { paths: ['circle/*'] });
    repo.delegate('b', 'b', { paths: ['circle/*'] });
    repo.publishTargets();
    const site = await attackedSite(t, { repo });
    const client = site.refresher();
    await client.refresh(nowMs, signal);
    const before = site.server.requests.length;
    assert.equal(await client.targetInfo('circle/x', signal), undefined);
    const asked = site.server.requests.slice(before).map(({ path }) => path);
    assert.deepEqual(asked, ['/metadata/1.a.json', '/metadata/1.b.json']);
  });

  test('of 33 roles for one path end with an error before the 33rd', async (t) => {
    const repo = vendorRepository();
    for (let index = 0; index < 33; index += 1) repo.delegate('targets', `r${index}`, { paths: ['wide/*'] });
    repo.publishTargets();
    const site = await attackedSite(t, { repo });
    const client = site.refresher();
    await client.refresh(nowMs, signal);
    const before = site.server.requests.length;
    await assert.rejects(client.targetInfo('wide/x', signal), (error) => {
      assert.ok(error instanceof TrustError);
      assert.equal(error.code, 'TOO_MANY_ROLES');
      assert.match(
        error.message,
        /the search for wide\/x ended after 32 delegated roles: the publisher must/,
      );
      return true;
    });
    assert.equal(site.server.requests.length - before, 32);
  });

  test('by a pattern with a star cost no more than the product of both lengths', async (t) => {
    const path = 'a'.repeat(300);
    const withPattern = (length: number): TufRepository => {
      const repo = vendorRepository();
      repo.delegate('targets', 'stars', { paths: [`*${'a'.repeat(length)}b`, `${'*a'.repeat(length)}b`] });
      repo.delegate('targets', 'last', { paths: ['a*'] });
      repo.addTarget(path, Buffer.from('x'), 'last');
      repo.publishTargets();
      return repo;
    };
    const few = await workOf(t, withPattern(10), path);
    const many = await workOf(t, withPattern(100), path);
    const steps = many.entered - few.entered;
    assert.ok(steps > 300 * 50 && steps < 2 * 8 * 300 * 100, `${few.entered} to ${many.entered} steps`);
  });
});
