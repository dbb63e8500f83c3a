import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { siteCode } from '@sallyport/core/shared/ids';
import { linkProtocols } from '@sallyport/core/wire/link';
import { KeptLog } from '../../../test-support/kept-log.ts';
import { ManualClock } from '../../../test-support/manual-clock.ts';
import { nodeDigests } from '../../compute/digest.ts';
import { nodeKeys } from '../../compute/ed25519.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import { LinkError } from '../../ports/link-error.ts';
import type { LinkHello, ParentLink } from '../../ports/parent-link.ts';
import { MemoryVault } from '../../storage/memory/vault.ts';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { StorageError } from '../../storage/storage-error.ts';
import { createHierarchy } from '../hierarchy-identity/create-hierarchy.ts';
import { adoptHierarchy } from '../hierarchy-identity/hierarchy-setting.ts';
import { HierarchyView } from '../hierarchy-identity/hierarchy-view.ts';
import { fixedRandom } from '../work/test-support/fixed-ports.ts';
import { ChildSide } from './child-side.ts';
import { haltOf } from './handshake.ts';

const parent = siteCode('CAS');
const site = siteCode('PRI');
const greetEveryMs = 1_000;

/** A child whose parent answers greetings when the test says so. */
async function linked(t: TestContext) {
  const database = memoryDatabase('PRI');
  const made = await createHierarchy({
    vault: new MemoryVault(),
    keys: nodeKeys,
    digests: nodeDigests,
    code: site,
    type: 'primary',
    passphrase: 'kept in a safe',
  });
  adoptHierarchy(database, made);
  const clock = new ManualClock();
  const greetings: { readonly own: LinkHello; readonly answer: (more: Partial<LinkHello>) => void }[] = [];
  const pushed: number[] = [];
  const pulled: { readonly fail: (error: Error) => void }[] = [];
  const link: Pick<ParentLink, 'hello' | 'pull' | 'push'> = {
    hello: (own) => {
      const { promise, resolve } = Promise.withResolvers<LinkHello>();
      const usual = {
        site: parent,
        epoch: 1,
        protocols: linkProtocols,
        tufVersions: {},
        head: 0,
        cursor: own.head,
        peerEpoch: 1,
      };
      greetings.push({ own, answer: (more) => resolve({ ...usual, ...more }) });
      return promise;
    },
    pull: (_after, _waitMs, signal) =>
      new Promise((_, reject) => {
        pulled.push({ fail: reject });
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      }),
    push: async (_records, cursor) => void pushed.push(cursor),
  };
  const side = new ChildSide({
    site,
    parent,
    link: link as ParentLink,
    database,
    view: new HierarchyView({ database, check: checkSignature, digestOf: nodeDigests.of }),
    digests: nodeDigests,
    clock,
    random: fixedRandom(0),
    log: new KeptLog(),
    times: { pullWaitMs: 60_000, greetEveryMs, retryMaxMs: 15_000 },
    tufVersions: async () => ({}),
    onPeerTufVersions: () => undefined,
  });
  const ending = new AbortController();
  const running = side.run(ending.signal);
  t.after(async () => {
    ending.abort(new Error('the test is over'));
    await running;
    database.close();
  });
  await clock.settle();
  greetings[0]?.answer({});
  await clock.settle();
  await clock.advance(greetEveryMs);
  assert.equal(greetings.length, 2, 'it greets again');
  return { database, clock, side, pushed, greetings, pulled, greeting: greetings[1] };
}

test('gives the parent nothing while a greeting is on its way: it would know of more than the greeting says', async (t) => {
  const { database, clock, side, pushed, greeting } = await linked(t);
  database.write(({ records }) => records.putOwn('site-status', 'x', { schema: 1 }, clock.now()));
  await clock.settle();
  assert.deepEqual(pushed, []);
  greeting?.answer({});
  await clock.settle();
  assert.deepEqual(pushed, [database.read(({ records }) => records.head())]);
  assert.equal(side.query().state, 'running');
});

test('a fork that cannot be written down ends nothing: it is found again, and remembered once there is room', async (t) => {
  const { database, clock, side, pulled, greeting, greetings } = await linked(t);
  greeting?.answer({});
  await clock.settle();
  const full = t.mock.method(database, 'write', () => {
    throw new StorageError('UNWRITABLE', 'the site database cannot be written: the disk is full');
  });
  pulled.at(-1)?.fail(new LinkError('FORK', 'both have written version 3'));
  await clock.settle();
  assert.deepEqual(
    [side.query().state, side.query().reason],
    ['failing', 'the site database cannot be written: the disk is full'],
  );
  full.mock.restore();
  await clock.advance(120_000);
  greetings.at(-1)?.answer({});
  await clock.settle();
  pulled.at(-1)?.fail(new LinkError('FORK', 'both have written version 3'));
  await clock.settle();
  assert.match(
    database.read((tables) => haltOf(tables, parent))?.message ?? '',
    /both have written version 3/,
  );
});

test('takes no fork from records that came faster than the answer to a greeting', async (t) => {
  const { database, clock, side, greeting } = await linked(t);
  database.write(({ records }) => records.setCursor(parent, 7));
  greeting?.answer({ head: 6 });
  await clock.settle();
  assert.equal(
    database.read((tables) => haltOf(tables, parent)),
    undefined,
  );
  assert.equal(side.query().state, 'running');
});

test('still takes a parent for an old copy that has less than this site had of it when it greeted', async (t) => {
  const { database, clock, side, greeting, greetings } = await linked(t);
  greeting?.answer({});
  database.write(({ records }) => records.setCursor(parent, 7));
  await clock.settle();
  await clock.advance(greetEveryMs);
  greetings[2]?.answer({ head: 6 });
  await clock.settle();
  assert.equal(database.read((tables) => haltOf(tables, parent))?.code, 'FORK');
  assert.equal(side.query().state, 'failing');
});

test('tries less and less often where every session ends before anything was taken', async (t) => {
  const { clock, side, greeting, greetings, pulled } = await linked(t);
  greeting?.answer({});
  const delays: number[] = [];
  for (let session = 0; session < 4; session += 1) {
    pulled.at(-1)?.fail(new Error('the disk is full'));
    await clock.settle();
    delays.push((side.query().nextAt ?? 0) - clock.now());
    await clock.advance(delays.at(-1) ?? 0);
    greetings.at(-1)?.answer({});
    await clock.settle();
  }
  assert.deepEqual(delays, [5_000, 10_000, 20_000, 40_000]);
});
