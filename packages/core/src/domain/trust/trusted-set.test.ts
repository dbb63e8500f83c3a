import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseMetadata } from '../../wire/tuf.ts';
import { checkTestSignature, testDigestOf, TestSigner } from './test-support/signer.ts';
import { timeText, TufRepository } from './test-support/tuf-repository.ts';
import { TrustError, type TrustErrorCode } from './trust-error.ts';
import { TrustedSet, type TrustTools } from './trusted-set.ts';

const nowMs = Date.UTC(2026, 10, 24);
const dayMs = 86_400_000;
const tools: TrustTools = { parse: parseMetadata, check: checkTestSignature, digestOf: testDigestOf };

function repository(options: { readonly withHashes?: boolean } = {}): TufRepository {
  return new TufRepository({ nowMs, ...options });
}

function startedFrom(
  repo: TufRepository,
  time: { readonly referenceTimeMs?: number; readonly stalenessMs?: number } = {},
): TrustedSet {
  const first = repo.metadataFiles.get('1.root.json');
  assert.ok(first);
  return new TrustedSet(first, tools, { referenceTimeMs: nowMs, ...time });
}

/** Takes everything that is served, in order. */
function takeAll(set: TrustedSet, repo: TufRepository): void {
  for (
    let version = set.root.signed.version + 1;
    repo.metadataFiles.has(`${version}.root.json`);
    version += 1
  ) {
    set.updateRoot(repo.metadataFiles.get(`${version}.root.json`) ?? new Uint8Array());
  }
  set.updateTimestamp(repo.bytes('timestamp'));
  set.updateSnapshot(repo.bytes('snapshot'));
  set.updateTargets(repo.bytes('targets'));
}

function refuses(work: () => unknown, code: TrustErrorCode, message?: RegExp): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof TrustError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message ?? /./);
    return true;
  });
}

describe('an honest repository', () => {
  test('is believed role by role, with its bytes kept as they came', () => {
    const repo = repository();
    const set = startedFrom(repo);
    takeAll(set, repo);
    assert.deepEqual(set.timestamp?.bytes, repo.bytes('timestamp'));
    assert.deepEqual(set.snapshot?.bytes, repo.bytes('snapshot'));
    assert.deepEqual(set.targets()?.bytes, repo.bytes('targets'));
  });

  test('may change all root keys over a chain of versions', () => {
    const repo = repository();
    for (let rotation = 0; rotation < 3; rotation += 1) {
      repo.rotateKeys('root');
      repo.publish('root');
    }
    const set = startedFrom(repo);
    takeAll(set, repo);
    assert.equal(set.root.signed.version, 4);
  });

  test('may carry fields that nobody knows, which are kept and signed', () => {
    const repo = repository();
    repo.targets()['x-colour'] = { blue: 1 };
    repo.publishTargets();
    const set = startedFrom(repo);
    takeAll(set, repo);
    assert.deepEqual({ ...(set.targets()?.signed.fields['x-colour'] as object) }, { blue: 1 });
  });

  test('proves times by which it was signed, but never beyond the expiry of its root', () => {
    const repo = repository();
    repo.timestamp['x-sallyport-issued'] = timeText(nowMs - dayMs);
    repo.publishTargets();
    const honest = startedFrom(repo);
    takeAll(honest, repo);
    assert.equal(honest.newestSignedTime, nowMs - dayMs);

    repo.timestamp['x-sallyport-issued'] = timeText(nowMs + 9_000 * dayMs);
    repo.publishTargets();
    const thief = startedFrom(repo);
    takeAll(thief, repo);
    assert.equal(thief.newestSignedTime, Date.parse(repo.root.expires) - 1);
  });
});

describe('root', () => {
  test('is refused when it is not signed by itself, even as the first', () => {
    const repo = repository();
    refuses(
      () => new TrustedSet(repo.sign('root', [new TestSigner()]), tools, { referenceTimeMs: nowMs }),
      'BELOW_THRESHOLD',
    );
  });

  test('is refused when the keys before it did not sign it', () => {
    const repo = repository();
    repo.rotateKeys('root');
    repo.signers.set('root', (repo.signers.get('root') ?? []).slice(0, 1));
    repo.publish('root');
    refuses(() => takeAll(startedFrom(repo), repo), 'BELOW_THRESHOLD', /root version 1/);
  });

  test('is refused when its own new keys did not sign it', () => {
    const repo = repository();
    repo.rotateKeys('root');
    repo.signers.set('root', (repo.signers.get('root') ?? []).slice(1));
    repo.publish('root');
    refuses(() => takeAll(startedFrom(repo), repo), 'BELOW_THRESHOLD', /itself/);
  });

  test('is refused when a version in between is missing', () => {
    const repo = repository();
    repo.publish('root');
    repo.publish('root');
    refuses(() => startedFrom(repo).updateRoot(repo.bytes('root')), 'WRONG_VERSION', /version 2 must follow/);
  });

  test('is refused when it is older than the trusted one', () => {
    const repo = repository();
    repo.publish('root');
    const set = startedFrom(repo);
    takeAllRoots(set, repo);
    refuses(() => set.updateRoot(repo.metadataFiles.get('1.root.json') ?? new Uint8Array()), 'ROLLED_BACK');
    assert.equal(set.root.signed.version, 2);
  });

  test('may be expired in the middle of the chain, but not at its end, whatever the staleness limit', () => {
    const repo = repository();
    repo.root.expires = timeText(nowMs - 1000);
    repo.publish('root');
    const set = startedFrom(repo, { stalenessMs: 1000 * dayMs });
    takeAllRoots(set, repo);
    refuses(() => set.updateTimestamp(repo.bytes('timestamp')), 'EXPIRED', /root version 2/);
    repo.root.expires = timeText(nowMs + dayMs);
    repo.publish('root');
    takeAllRoots(set, repo);
    set.updateTimestamp(repo.bytes('timestamp'));
  });

  function takeAllRoots(set: TrustedSet, repo: TufRepository): void {
    for (let version = set.root.signed.version + 1; version <= repo.root.version; version += 1) {
      set.updateRoot(repo.metadataFiles.get(`${version}.root.json`) ?? new Uint8Array());
    }
  }
});

describe('thresholds', () => {
  test('count each key once, however often it is listed', () => {
    const repo = repository();
    const [signer] = repo.signers.get('timestamp') ?? [];
    assert.ok(signer);
    repo.root.roles['timestamp'] = { keyids: [signer.keyId, 'same-key'], threshold: 2 };
    repo.root.keys['same-key'] = signer.keyJson;
    repo.publish('root');
    const message = JSON.parse(Buffer.from(repo.bytes('timestamp')).toString()) as {
      signatures: { keyid: string; sig: string }[];
    };
    message.signatures.push({ keyid: 'same-key', sig: message.signatures[0]?.sig ?? '' });
    repo.serve('timestamp', Buffer.from(JSON.stringify(message)));
    refuses(() => takeAll(startedFrom(repo), repo), 'BELOW_THRESHOLD', /signed by 1 of the 2/);
  });

  test('hold for delegated roles by the keys of their delegator', () => {
    const repo = repository();
    repo.delegate('targets', 'catalog');
    repo.publishTargets();
    const set = startedFrom(repo);
    takeAll(set, repo);
    refuses(
      () => set.updateTargets(repo.sign('catalog', [new TestSigner()]), 'catalog', 'targets'),
      'MISMATCH',
    );
    repo.withHashes = false;
    repo.publishTargets();
    const again = startedFrom(repo);
    takeAll(again, repo);
    refuses(
      () => again.updateTargets(repo.sign('catalog', [new TestSigner()]), 'catalog', 'targets'),
      'BELOW_THRESHOLD',
    );
    refuses(() => again.updateTargets(repo.bytes('catalog'), 'catalog', 'root'), 'UNKNOWN_ROLE');
    again.updateTargets(repo.bytes('catalog'), 'catalog', 'targets');
  });

  test('tell a wrong signature from a missing one', () => {
    const repo = repository({ withHashes: false });
    repo.publish('timestamp');
    const altered = Buffer.from(repo.bytes('timestamp')).toString().replace('"version": 1', '"version": 7');
    refuses(
      () => startedFrom(repo).updateTimestamp(Buffer.from(altered)),
      'BAD_SIGNATURE',
      /altered or wrongly signed/,
    );
  });

  test('are not met by a good signature over other bytes of a second key', () => {
    const repo = repository();
    repo.addKey('timestamp');
    repo.root.roles['timestamp'] = { keyids: repo.root.roles['timestamp']?.keyids ?? [], threshold: 2 };
    repo.publish('root');
    repo.signers.set('timestamp', (repo.signers.get('timestamp') ?? []).slice(0, 1));
    repo.publish('timestamp');
    refuses(() => takeAll(startedFrom(repo), repo), 'BELOW_THRESHOLD');
  });
});

describe('timestamp and snapshot', () => {
  test('may not be older than those of an earlier refresh', () => {
    const repo = repository();
    const old = repo.bytes('timestamp');
    repo.publishTargets();
    const set = startedFrom(repo);
    set.restoreTimestamp(repo.bytes('timestamp'));
    refuses(() => set.updateTimestamp(old), 'ROLLED_BACK', /version 2 was trusted/);
  });

  test('with the version trusted already change nothing', () => {
    const repo = repository();
    const set = startedFrom(repo);
    set.restoreTimestamp(repo.bytes('timestamp'));
    repo.timestamp.meta['snapshot.json'] = { version: 99 };
    assert.equal(set.updateTimestamp(repo.sign('timestamp')), 'unchanged');
    assert.equal(set.timestamp?.signed.snapshot.version, 1);
  });

  test('may not name an older snapshot than before', () => {
    const repo = repository();
    repo.publishTargets();
    const set = startedFrom(repo);
    set.restoreTimestamp(repo.bytes('timestamp'));
    repo.timestamp.meta['snapshot.json'] = { version: 1 };
    repo.publish('timestamp');
    refuses(() => set.updateTimestamp(repo.bytes('timestamp')), 'ROLLED_BACK', /snapshot/);
  });

  test('may start over after their keys were rotated', () => {
    const repo = repository();
    repo.publishTargets();
    const stored = repo.bytes('timestamp');
    repo.rotateKeys('timestamp');
    repo.publish('root');
    repo.timestamp.version = 0;
    repo.publish('timestamp');
    const set = startedFrom(repo);
    set.updateRoot(repo.bytes('root'));
    refuses(() => set.restoreTimestamp(stored), 'BELOW_THRESHOLD');
    assert.equal(set.updateTimestamp(repo.bytes('timestamp')), 'updated');
    assert.equal(set.timestamp?.signed.version, 1);
  });

  test('may not drop a role or take it back to an older version', () => {
    for (const tamper of [
      (repo: TufRepository) => delete repo.snapshot.meta['extra.json'],
      (repo: TufRepository) => (repo.snapshot.meta['extra.json'] = { version: 1 }),
    ]) {
      const repo = repository();
      repo.snapshot.meta['extra.json'] = { version: 2 };
      repo.publish('snapshot', 'timestamp');
      const stored = repo.bytes('snapshot');
      tamper(repo);
      repo.publish('snapshot', 'timestamp');
      const set = startedFrom(repo);
      set.updateTimestamp(repo.bytes('timestamp'));
      assert.equal(set.restoreSnapshot(stored), 'outdated');
      refuses(() => set.updateSnapshot(repo.bytes('snapshot')), 'ROLLED_BACK', /extra\.json/);
      assert.equal(set.snapshot?.signed.version, 2);
    }
  });

  test('are refused when they are not the file that was named', () => {
    const repo = repository();
    const old = repo.bytes('snapshot');
    repo.publishTargets();
    const set = startedFrom(repo);
    set.updateTimestamp(repo.bytes('timestamp'));
    refuses(() => set.updateSnapshot(old), 'MISMATCH');
    refuses(
      () => set.updateSnapshot(Buffer.concat([repo.bytes('snapshot'), Buffer.from(' ')])),
      'TOO_LARGE',
      /too long/,
    );
    refuses(() => set.updateSnapshot(repo.bytes('snapshot').subarray(1)), 'MISMATCH', /too short/);
    set.updateSnapshot(repo.bytes('snapshot'));
  });

  test('are refused in another version than named, when no digest tells', () => {
    const repo = repository({ withHashes: false });
    const old = repo.bytes('snapshot');
    repo.publishTargets();
    const set = startedFrom(repo);
    set.updateTimestamp(repo.bytes('timestamp'));
    refuses(() => set.updateSnapshot(old), 'WRONG_VERSION', /mixes versions/);
  });

  test('are refused under a wrong name', () => {
    const repo = repository();
    refuses(() => startedFrom(repo).updateTimestamp(repo.bytes('snapshot')), 'WRONG_TYPE');
  });

  test('expire at the very moment they say, and later where staleness is allowed', () => {
    const expiresMs = Date.parse(repository().timestamp.expires);
    for (const [referenceTimeMs, stalenessMs, verdict] of [
      [expiresMs - 1, 0, 'believed'],
      [expiresMs, 0, 'EXPIRED'],
      [expiresMs + dayMs - 1, dayMs, 'believed'],
      [expiresMs + dayMs, dayMs, 'EXPIRED'],
    ] as const) {
      const repo = repository();
      repo.targets().expires = timeText(nowMs + 300 * dayMs);
      repo.publishTargets();
      const set = startedFrom(repo, { referenceTimeMs, stalenessMs });
      if (verdict === 'believed') {
        takeAll(set, repo);
      } else {
        refuses(() => takeAll(set, repo), verdict, /timestamp version 2 expired at/);
      }
    }
  });

  test('that come expired never replace the ones trusted before', () => {
    const repo = repository();
    repo.snapshot.expires = timeText(nowMs - 1000);
    repo.publish('snapshot', 'timestamp');
    const set = startedFrom(repo);
    set.updateTimestamp(repo.bytes('timestamp'));
    refuses(() => set.updateSnapshot(repo.bytes('snapshot')), 'EXPIRED', /snapshot version 2/);
    assert.equal(set.snapshot, undefined);
    repo.timestamp.expires = timeText(nowMs - 1000);
    repo.publish('timestamp');
    refuses(() => set.updateTimestamp(repo.bytes('timestamp')), 'EXPIRED', /timestamp version 3/);
    assert.equal(set.timestamp?.signed.version, 2);
  });

  test('that expired in an earlier refresh still stop a rollback', () => {
    const repo = repository();
    const old = repo.bytes('timestamp');
    repo.timestamp.expires = timeText(nowMs - dayMs);
    repo.publish('timestamp');
    const set = startedFrom(repo);
    set.restoreTimestamp(repo.bytes('timestamp'));
    refuses(() => set.updateTimestamp(old), 'ROLLED_BACK');
    refuses(() => set.updateTimestamp(repo.bytes('timestamp')), 'EXPIRED');
  });
});

describe('targets', () => {
  test('expire whatever staleness is allowed', () => {
    const repo = repository();
    repo.targets().expires = timeText(nowMs - 1000);
    repo.publishTargets();
    refuses(
      () => takeAll(startedFrom(repo, { stalenessMs: 1000 * dayMs }), repo),
      'EXPIRED',
      /targets version 2/,
    );
  });

  test('are refused in another version than the snapshot names', () => {
    const repo = repository({ withHashes: false });
    const old = repo.bytes('targets');
    repo.publishTargets();
    const set = startedFrom(repo);
    set.updateTimestamp(repo.bytes('timestamp'));
    set.updateSnapshot(repo.bytes('snapshot'));
    refuses(() => set.updateTargets(old), 'WRONG_VERSION');
  });

  test('are refused when the snapshot does not list them', () => {
    const repo = repository();
    repo.delegate('targets', 'hidden');
    repo.publishTargets();
    delete repo.snapshot.meta['hidden.json'];
    repo.publish('snapshot', 'timestamp');
    const set = startedFrom(repo);
    takeAll(set, repo);
    refuses(
      () => set.updateTargets(repo.bytes('hidden'), 'hidden', 'targets'),
      'UNKNOWN_ROLE',
      /not listed in snapshot/,
    );
  });

  test('reached by another way are verified by its keys anew', () => {
    const repo = repository();
    repo.delegate('targets', 'a', { paths: ['a/*'] });
    repo.delegate('targets', 'b', { paths: ['b/*'] });
    const byA = repo.delegate('a', 'shared', { paths: ['a/*'] });
    repo.delegate('b', 'shared', { paths: ['b/*'] });
    repo.signers.set('shared', [byA]);
    repo.publish('shared', 'a', 'b', 'targets', 'snapshot', 'timestamp');
    const set = startedFrom(repo);
    takeAll(set, repo);
    set.updateTargets(repo.bytes('a'), 'a', 'targets');
    set.updateTargets(repo.bytes('b'), 'b', 'targets');
    set.updateTargets(repo.bytes('shared'), 'shared', 'a');
    assert.ok(set.targetsVia('shared', 'a'));
    refuses(() => set.targetsVia('shared', 'b'), 'BELOW_THRESHOLD');
    assert.equal(set.targetsVia('unheard', 'a'), undefined);
  });
});

test('refuses updates out of order', () => {
  const repo = repository();
  const set = startedFrom(repo);
  refuses(() => set.updateSnapshot(repo.bytes('snapshot')), 'NOT_FOUND');
  refuses(() => set.updateTargets(repo.bytes('targets')), 'NOT_FOUND');
  takeAll(set, repo);
  refuses(() => set.updateRoot(repo.bytes('root')), 'OUT_OF_ORDER');
  refuses(() => set.updateTimestamp(repo.bytes('timestamp')), 'OUT_OF_ORDER');
  refuses(() => set.updateSnapshot(repo.bytes('snapshot')), 'OUT_OF_ORDER');
  refuses(() => set.restoreTimestamp(repo.bytes('timestamp')), 'OUT_OF_ORDER');
  refuses(() => set.restoreSnapshot(repo.bytes('snapshot')), 'OUT_OF_ORDER');
});
