import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mock, test } from 'node:test';
import fc from 'fast-check';
import { propertyRuns, propertyTimeoutMs } from '../../shared/test-support/property.ts';
import { parseMetadata } from '../../wire/tuf.ts';
import { anyPast, nowMs, poolOf, type Role, roles } from './test-support/repository-past.ts';
import { checkTestSignature, testDigestOf } from './test-support/signer.ts';
import { TufRepository } from './test-support/tuf-repository.ts';
import { TrustError } from './trust-error.ts';
import { TrustedSet } from './trusted-set.ts';

/** The part of tuf-js that decides, which its exports leave out. */
interface TufJsStore {
  readonly referenceTime: Date;
  updateRoot(bytes: Buffer): unknown;
  updateTimestamp(bytes: Buffer): unknown;
  updateSnapshot(bytes: Buffer, trusted: boolean): unknown;
  updateDelegatedTargets(bytes: Buffer, role: string, delegator: string): unknown;
  getRole(
    role: string,
  ): { readonly signed: { readonly version: number; isExpired(time: Date): boolean } } | undefined;
}

const require = createRequire(import.meta.url);
const { TrustedMetadataStore } = require('tuf-js/dist/store.js') as {
  TrustedMetadataStore: new (root: Buffer) => TufJsStore;
};

/** One step of a client, with a file of the pool: of the role it should be, or of any. */
interface Step {
  readonly take: 'delegated' | 'root' | 'snapshot' | 'stored-snapshot' | 'stored-timestamp' | 'timestamp';
  readonly role: Role;
  readonly delegator: Role;
  readonly isOfAnyRole: boolean;
  /** How far from the newest. */
  readonly age: number;
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  take: fc.constantFrom(
    'root',
    'stored-timestamp',
    'timestamp',
    'stored-snapshot',
    'snapshot',
    'delegated',
    'delegated',
  ),
  role: fc.constantFrom('targets', 'targets', 'a', 'b', ...roles),
  delegator: fc.constantFrom('root', 'targets', 'a', ...roles),
  isOfAnyRole: fc.boolean(),
  age: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat(6) }),
});

/** What most clients do, in order; strange steps come between and after. */
const usual: readonly Step[] = (
  ['root', 'root', 'stored-timestamp', 'timestamp', 'stored-snapshot', 'snapshot'] as const
)
  .map((take): Step => ({ take, role: 'targets', delegator: 'root', isOfAnyRole: false, age: 0 }))
  .concat([
    { take: 'delegated', role: 'targets', delegator: 'root', isOfAnyRole: false, age: 0 },
    { take: 'delegated', role: 'a', delegator: 'targets', isOfAnyRole: false, age: 0 },
    { take: 'delegated', role: 'b', delegator: 'a', isOfAnyRole: false, age: 0 },
  ]);

const anySteps = fc.array(fc.tuple(fc.nat(usual.length), anyStep), { maxLength: 8 }).map((extra) => {
  const steps = [...usual];
  for (const [at, step] of extra) steps.splice(at, 0, step);
  return steps;
});

type Verdict = 'believed' | 'refused';

/** What the refusal was about, when ours refused. */
let lastCode: string | undefined;

function ours(set: TrustedSet, step: Step, bytes: Uint8Array): Verdict {
  lastCode = undefined;
  try {
    switch (step.take) {
      case 'root':
        set.updateRoot(bytes);
        return 'believed';
      case 'stored-timestamp':
        set.requireFreshRoot();
        set.restoreTimestamp(bytes);
        set.requireFreshTimestamp();
        return 'believed';
      case 'timestamp':
        set.updateTimestamp(bytes);
        return 'believed';
      case 'stored-snapshot':
        return set.restoreSnapshot(bytes) === 'current' ? 'believed' : 'refused';
      case 'snapshot':
        set.updateSnapshot(bytes);
        return 'believed';
      case 'delegated':
        set.updateTargets(bytes, step.role, step.delegator);
        return 'believed';
    }
  } catch (error) {
    assert.ok(error instanceof TrustError, String(error));
    lastCode = error.code;
    return 'refused';
  }
}

function tufJs(store: TufJsStore, step: Step, bytes: Buffer): Verdict {
  try {
    switch (step.take) {
      case 'root':
        store.updateRoot(bytes);
        return 'believed';
      case 'stored-timestamp':
      case 'timestamp':
        store.updateTimestamp(bytes);
        return 'believed';
      case 'stored-snapshot':
      case 'snapshot':
        store.updateSnapshot(bytes, step.take === 'stored-snapshot');
        return 'believed';
      case 'delegated':
        store.updateDelegatedTargets(bytes, step.role, step.delegator);
        return 'believed';
    }
  } catch (error) {
    // No news is no refusal: its updater goes on with what it has, while that is fresh.
    const held = store.getRole('timestamp');
    return error instanceof Error &&
      error.constructor.name === 'EqualVersionError' &&
      held?.signed.isExpired(store.referenceTime) === false
      ? 'believed'
      : 'refused';
  }
}

function versionsOf(set: TrustedSet): Readonly<Record<Role, number | undefined>> {
  return {
    root: set.root.signed.version,
    timestamp: set.timestamp?.signed.version,
    snapshot: set.snapshot?.signed.version,
    targets: set.targets()?.signed.version,
    a: set.targets('a')?.signed.version,
    b: set.targets('b')?.signed.version,
  };
}

test(
  'step by step, in order or not, the trusted set believes what that of tuf-js believes, and no version falls',
  { timeout: propertyTimeoutMs },
  (context) => {
    mock.timers.enable({ apis: ['Date'], now: nowMs });
    context.after(() => mock.timers.reset());
    const counts = { believed: 0, refused: 0 };
    let whole = 0;
    fc.assert(
      fc.property(fc.array(anyPast, { maxLength: 8 }), anySteps, fc.nat(3), (past, steps, rootAge) => {
        const pool = poolOf(past);
        const files = (name: Role, age: number): Uint8Array =>
          pool.get(name)?.at(-1 - age) ?? pool.get(name)?.[0] ?? assert.fail();
        const first =
          pool.get('root')?.[Math.min(rootAge, (pool.get('root')?.length ?? 1) - 1)] ?? assert.fail();
        let set: TrustedSet;
        try {
          set = new TrustedSet(
            first,
            { parse: parseMetadata, check: checkTestSignature, digestOf: testDigestOf },
            { referenceTimeMs: nowMs },
          );
        } catch (error) {
          assert.ok(error instanceof TrustError, String(error));
          assert.throws(
            () => new TrustedMetadataStore(Buffer.from(first)),
            'both refuse a root that did not sign itself',
          );
          return;
        }
        const store = new TrustedMetadataStore(Buffer.from(first));
        for (const step of steps) {
          const of = step.isOfAnyRole ? step.role : step.take === 'delegated' ? step.role : roleTaken(step);
          // The chain of roots is walked from where it is; a step may skip or repeat one.
          const wanted =
            of === 'root' ? rootAfter(pool, set.root.signed.version, step.age) : files(of, step.age);
          const before = versionsOf(set);
          const verdict = ours(set, step, wanted);
          const after = versionsOf(set);
          mustNotFall(set, before, after);
          // tuf-js knows no order here (TUF 5.3 comes before 5.4), nor that a stored file comes before a new one.
          if (lastCode === 'OUT_OF_ORDER') {
            assert.deepEqual(after, before);
            continue;
          }
          const theirs = tufJs(store, step, Buffer.from(wanted));
          const held = Object.fromEntries(roles.map((name) => [name, store.getRole(name)?.signed.version]));
          if (verdict === 'refused' && theirs === 'refused' && !sameVersions(after, held)) {
            // Expired or mixed, a new one stays with tuf-js although it was refused: the cycle is over there (5.4.4, 5.5.6).
            return;
          }
          if (step.take === 'stored-snapshot' && theirs === 'believed' && verdict === 'refused') {
            // The named difference of 5.5.2: the version alone does not make a stored snapshot the one that is named.
            assert.equal(after.snapshot, set.timestamp?.signed.snapshot.version);
            return;
          }
          assert.deepEqual(
            [verdict, after],
            [theirs, { ...held }],
            `${step.take} ${step.role}: ${lastCode ?? 'fine'}`,
          );
          counts[verdict] += 1;
        }
        if (set.targets('b') !== undefined) whole += 1;
      }),
      propertyRuns(200),
    );
    const all = counts.believed + counts.refused;
    assert.ok(counts.believed > all / 5 && counts.refused > all / 5, JSON.stringify(counts));
    assert.ok(whole > 0, 'some histories end with everything believed');
  },
);

/**
 * No version falls. A snapshot of an earlier refresh may be newer than the one that is named now only when the key of
 * the timestamp was changed in between, and then it would have been forgotten (TUF 5.3.11): what it named stays a floor.
 */
function mustNotFall(
  set: TrustedSet,
  before: Readonly<Record<Role, number | undefined>>,
  after: Readonly<Record<Role, number | undefined>>,
): void {
  for (const name of roles) {
    const isNamed = name === 'snapshot' && after.snapshot === set.timestamp?.signed.snapshot.version;
    assert.ok(isNamed || (after[name] ?? 0) >= (before[name] ?? 0), `${name} fell`);
  }
}

/** Both sets with the first root of a repository. */
function bothSets(repo: TufRepository): { readonly set: TrustedSet; readonly store: TufJsStore } {
  const root = repo.metadataFiles.get('1.root.json') ?? assert.fail();
  const tools = { parse: parseMetadata, check: checkTestSignature, digestOf: testDigestOf };
  return {
    set: new TrustedSet(root, tools, { referenceTimeMs: nowMs }),
    store: new TrustedMetadataStore(Buffer.from(root)),
  };
}

test('other than tuf-js, by TUF 5.3 and 5.4: no root comes after a timestamp', (context) => {
  mock.timers.enable({ apis: ['Date'], now: nowMs });
  context.after(() => mock.timers.reset());
  const repo = new TufRepository({ nowMs });
  repo.publish('root');
  const { set, store } = bothSets(repo);
  set.updateTimestamp(repo.bytes('timestamp'));
  store.updateTimestamp(Buffer.from(repo.bytes('timestamp')));
  assert.throws(() => set.updateRoot(repo.bytes('root')), { code: 'OUT_OF_ORDER' });
  assert.doesNotThrow(() => store.updateRoot(Buffer.from(repo.bytes('root'))));
});

test('other than tuf-js, by TUF 5.4.4: a timestamp that came expired is discarded', (context) => {
  mock.timers.enable({ apis: ['Date'], now: nowMs });
  context.after(() => mock.timers.reset());
  const repo = new TufRepository({ nowMs });
  repo.timestamp.expires = '2026-01-01T00:00:00Z';
  repo.publish('timestamp');
  const { set, store } = bothSets(repo);
  assert.throws(() => set.updateTimestamp(repo.bytes('timestamp')), { code: 'EXPIRED' });
  assert.throws(() => store.updateTimestamp(Buffer.from(repo.bytes('timestamp'))));
  assert.equal(set.timestamp, undefined);
  assert.equal(store.getRole('timestamp')?.signed.version, repo.timestamp.version);
});

function roleTaken({ take }: Step): Role {
  switch (take) {
    case 'root':
      return 'root';
    case 'stored-snapshot':
    case 'snapshot':
      return 'snapshot';
    case 'stored-timestamp':
    case 'timestamp':
      return 'timestamp';
    case 'delegated':
      return 'targets';
  }
}

function rootAfter(pool: ReadonlyMap<Role, readonly Uint8Array[]>, version: number, age: number): Uint8Array {
  const roots = pool.get('root') ?? [];
  const next = roots.findIndex((bytes) => parseMetadata('root', bytes).signed.version === version + 1);
  return (
    roots[Math.min(Math.max(0, (next < 0 ? roots.length - 1 : next) - age), roots.length - 1)] ??
    assert.fail()
  );
}

function sameVersions(
  a: Readonly<Record<string, number | undefined>>,
  b: Readonly<Record<string, number | undefined>>,
): boolean {
  return roles.every((name) => a[name] === b[name]);
}
