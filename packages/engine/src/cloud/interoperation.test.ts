import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { propertyRuns, propertyTimeoutMs } from '@sallyport/core/shared/test-support/property';
import fc from 'fast-check';
import { WorkerPool } from '../compute/worker-pool.ts';
import { rotateKeys } from './key-rotation.ts';
import { publish } from './publisher.ts';
import { renew } from './renewal.ts';
import { changeRollout, withdrawPackage } from './rollout-changes.ts';
import { type CloudFixture, never, newCloud } from './test-support/cloud-fixture.ts';
import { filesOf, newest, PublishedFiles } from './test-support/published-files.ts';
import { OtherClient } from './test-support/tuf-client.ts';
import { OwnClient } from './test-support/own-client.ts';
import { testGuid, writePackage } from './test-support/write-package.ts';

const paths = ['catalog/hello.json', 'rollout/hello.json', 'service.json'] as const;
const rotatable = [
  'root',
  'targets',
  'catalog',
  'rollout',
  'snapshot',
  'timestamp',
  'offer',
  'seal',
] as const;

type Act =
  | { readonly kind: 'publish' | 'renew' | 'roll-out' | 'withdraw' }
  | { readonly kind: 'rotate'; readonly role: (typeof rotatable)[number] };

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Act>({ kind: 'publish' }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Act>({ kind: 'renew' }, { kind: 'roll-out' }, { kind: 'withdraw' }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rotate'), role: fc.constantFrom(...rotatable) }) },
);

/** A vendor with a real repository, and packages to publish. */
class Vendor {
  readonly cloud: CloudFixture;
  readonly #compute: WorkerPool;
  #published = 0;

  private constructor(cloud: CloudFixture, compute: WorkerPool) {
    this.cloud = cloud;
    this.#compute = compute;
  }

  static async open(context: TestContext): Promise<Vendor> {
    const compute = new WorkerPool({ workers: 1 });
    context.after(() => compute.close());
    const vendor = new Vendor(await newCloud(context), compute);
    await vendor.do({ kind: 'publish' });
    return vendor;
  }

  async root(): Promise<Uint8Array> {
    return readFile(join(this.cloud.repositoryFolder, 'metadata', '1.root.json'));
  }

  async do(next: Act): Promise<void> {
    const { tools, folder } = this.cloud;
    const last = { package: testGuid(this.#published) };
    switch (next.kind) {
      case 'publish': {
        this.#published += 1;
        const item = { guid: testGuid(this.#published), version: `1.${String(this.#published)}` };
        const definition = await writePackage(folder, { ...item, files: { 'a.txt': item.version } });
        await publish({ ...tools, compute: this.#compute }, [definition], { percentage: 10 }, never);
        return;
      }
      case 'renew':
        await renew(tools, { all: true }, never);
        return;
      case 'roll-out':
        await changeRollout(tools, last, { percentage: 30 + this.#published }, never).catch(ifWithdrawn);
        return;
      case 'withdraw':
        await withdrawPackage(tools, last, 'it bites', never).catch(ifWithdrawn);
        return;
      case 'rotate':
        await rotateKeys(tools, next.role, {}, never);
    }
  }
}

/** Nothing more can be done to a package that was withdrawn. */
function ifWithdrawn(error: unknown): void {
  assert.match(String(error), /withdrawn/);
}

/** By path: the digest of what was accepted, or `refused`. */
async function verdictOf(client: OtherClient | OwnClient): Promise<Readonly<Record<string, string>>> {
  const verdict: Record<string, string> = {};
  for (const path of paths) {
    const bytes = await client.fetch(path).catch(() => undefined);
    verdict[path] = bytes === undefined ? 'refused' : Buffer.from(bytes).toString();
  }
  return verdict;
}

test(
  'tuf-js reads whatever a vendor publishes, renews, withdraws and rotates, and so do we',
  { timeout: propertyTimeoutMs },
  async (context) => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 6, size: 'max' }), async (history) => {
        const vendor = await Vendor.open(context);
        const files = new PublishedFiles(await filesOf(vendor.cloud.repositoryFolder));
        const url = await files.serve(context);
        const root = await vendor.root();
        const known = [
          await OtherClient.create(context, url, root),
          await OwnClient.create(url, root),
        ] as const;
        for (const next of history) {
          await vendor.do(next);
          files.replace(await filesOf(vendor.cloud.repositoryFolder));
          const fresh = [
            await OtherClient.create(context, url, root),
            await OwnClient.create(url, root),
          ] as const;
          const [first, ...others] = await Promise.all([...known, ...fresh].map(verdictOf));
          assert.ok(!Object.values(first ?? {}).includes('refused'), `after ${next.kind}`);
          for (const other of others) assert.deepEqual(other, first);
        }
      }),
      propertyRuns(2),
    );
  },
);

const alterations = ['cross', 'cut', 'delete', 'flip', 'lengthen', 'older'] as const;

test(
  'what tuf-js refuses of a repository in which any one file was altered, we refuse, and the other way round',
  { timeout: propertyTimeoutMs },
  async (context) => {
    const vendor = await Vendor.open(context);
    const root = await vendor.root();
    const before = await filesOf(vendor.cloud.repositoryFolder);
    for (const next of [
      { kind: 'rotate', role: 'timestamp' },
      { kind: 'publish' },
      { kind: 'roll-out' },
      { kind: 'renew' },
    ] as const)
      await vendor.do(next);
    const honest = await filesOf(vendor.cloud.repositoryFolder);
    const stranger = await filesOf((await Vendor.open(context)).cloud.repositoryFolder);
    const files = new PublishedFiles(honest);
    const url = await files.serve(context);
    const wanted = await verdictOf(await OwnClient.create(url, root));
    // Only what clients ask for matters; what they do not ask for they cannot be lied to with.
    const asked = files.asked();
    let refused = 0;
    let compared = 0;
    for (const path of asked) {
      for (const alteration of alterations) {
        const altered = alter(path, alteration, honest, stranger);
        if (altered === undefined) continue;
        // Only where there was something before does an older or a missing file mean another thing than a damaged one.
        for (const isKnown of ['cross', 'delete', 'older'].includes(alteration) ? [false, true] : [false]) {
          const clients = [
            await OtherClient.create(context, url, root),
            await OwnClient.create(url, root),
          ] as const;
          if (isKnown) {
            files.replace(before);
            for (const client of clients) await client.fetch('service.json');
          }
          files.replace(altered);
          const [theirs, ours] = await Promise.all(clients.map(verdictOf));
          assert.deepEqual(ours, theirs, `${alteration} ${path}, ${isKnown ? 'known' : 'new'} client`);
          for (const [target, found] of Object.entries(ours ?? {})) {
            assert.ok(
              found === 'refused' || found === wanted[target],
              `${alteration} ${path} changed ${target}`,
            );
            if (found === 'refused') refused += 1;
            compared += 1;
          }
        }
      }
    }
    assert.ok(asked.length >= 9, `${asked.join()} were altered`);
    assert.ok(refused > compared / 3, `${refused} of ${compared} refused`);
  },
);

/** The repository with one file altered; undefined where there is nothing to alter it with. */
function alter(
  path: string,
  how: (typeof alterations)[number],
  honest: ReadonlyMap<string, Buffer>,
  stranger: ReadonlyMap<string, Buffer>,
): ReadonlyMap<string, Buffer> | undefined {
  const bytes = honest.get(path);
  if (bytes === undefined) return undefined;
  const files = new Map(honest);
  const middle = bytes.length >> 1;
  switch (how) {
    case 'flip':
      return files.set(path, Buffer.from(bytes.map((byte, index) => (index === middle ? byte ^ 1 : byte))));
    case 'cut':
      return files.set(path, bytes.subarray(0, middle));
    case 'lengthen':
      return files.set(path, Buffer.concat([bytes, Buffer.from('\n')]));
    case 'delete':
      files.delete(path);
      return files;
    case 'older': {
      const older = newest(honest, path, path);
      return older === undefined ? undefined : files.set(path, older);
    }
    case 'cross': {
      const other = stranger.get(path) ?? newest(stranger, path);
      return other === undefined ? undefined : files.set(path, other);
    }
  }
}
