import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Metadata } from '../domain/trust/documents.ts';
import { TufRepository } from '../domain/trust/test-support/tuf-repository.ts';
import { TrustError, type TrustErrorCode } from '../domain/trust/trust-error.ts';
import { canonicalJson } from './canonical-json.ts';
import { parseMetadata } from './tuf.ts';

const kinds: readonly Metadata['type'][] = ['root', 'timestamp', 'snapshot', 'targets'];

function repository(): TufRepository {
  const repo = new TufRepository({ nowMs: Date.UTC(2026, 10, 24) });
  repo.addTarget('a/b.json', Buffer.from('hello'));
  repo.delegate('targets', 'catalog', { paths: ['catalog/*'], terminating: true });
  repo.publishTargets();
  return repo;
}

function refuses(kind: Metadata['type'], bytes: Uint8Array, code: TrustErrorCode = 'MALFORMED'): void {
  assert.throws(
    () => parseMetadata(kind, bytes),
    (error) => {
      assert.ok(error instanceof TrustError, String(error));
      assert.equal(error.code, code, error.message);
      assert.ok(error.message.startsWith(kind), error.message);
      return true;
    },
  );
}

/** The JSON of a role with one place changed; undefined takes it out. */
function changed(repo: TufRepository, kind: string, path: readonly string[], value: unknown): Uint8Array {
  const json = JSON.parse(Buffer.from(repo.bytes(kind)).toString()) as Record<string, unknown>;
  let place = json;
  for (const key of path.slice(0, -1)) {
    place = place[key] as Record<string, unknown>;
  }
  place[path.at(-1) ?? ''] = value;
  return Buffer.from(JSON.stringify(json));
}

describe('metadata', () => {
  for (const kind of kinds) {
    test(`of kind ${kind} is read with its bytes, and with its signed part in canonical form`, () => {
      const repo = repository();
      const document = parseMetadata(kind, repo.bytes(kind));
      assert.equal(document.bytes, repo.bytes(kind));
      assert.deepEqual(document.signedBytes, canonicalJson(repo.json(kind)));
      assert.equal(document.signed.version, repo.json(kind).version);
      assert.equal(document.signed.expiresMs, Date.parse(repo.json(kind).expires));
      assert.equal(document.signatures.size, 1);
    });

    test(`of kind ${kind} never fails in another way than by a TrustError`, () => {
      const bytes = repository().bytes(kind);
      fc.assert(
        fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const altered = bytes.slice();
          altered[at] = (altered[at] ?? 0) ^ change;
          try {
            parseMetadata(kind, altered);
          } catch (error) {
            assert.ok(error instanceof TrustError, String(error));
          }
        }),
        { numRuns: 500 },
      );
    });
  }

  test('may hold a signature that is no hexadecimal: it fits nothing', () => {
    const bytes = changed(
      repository(),
      'timestamp',
      ['signatures'],
      [
        { keyid: 'a', sig: 'zz' },
        { keyid: 'b', sig: '' },
      ],
    );
    assert.deepEqual(
      [...parseMetadata('timestamp', bytes).signatures.values()].map(({ length }) => length),
      [0, 0],
    );
  });

  test('may name targets and keys like the parts of every object', () => {
    const bytes = Buffer.from(
      Buffer.from(repository().bytes('targets')).toString().replace('"a/b.json"', '"__proto__"'),
    );
    const { targets } = parseMetadata('targets', bytes).signed;
    assert.deepEqual([...targets.keys()], ['__proto__']);
    assert.equal(targets.get('constructor'), undefined);
  });
});

describe('metadata is refused', () => {
  const deep = '['.repeat(60) + ']'.repeat(60);
  for (const [name, kind, path, value] of [
    [
      'with one key signing twice',
      'timestamp',
      ['signatures'],
      [
        { keyid: 'a', sig: '' },
        { keyid: 'a', sig: '' },
      ],
    ],
    ['without signatures', 'timestamp', ['signatures'], undefined],
    ['with a signature that is no text', 'timestamp', ['signatures'], [{ keyid: 'a', sig: 1 }]],
    ['without a signed part', 'timestamp', ['signed'], null],
    ['without a type', 'timestamp', ['signed', '_type'], undefined],
    ['of TUF 2.0', 'timestamp', ['signed', 'spec_version'], '2.0.0'],
    ['of a version that is none', 'timestamp', ['signed', 'spec_version'], '1'],
    ['of version 0', 'timestamp', ['signed', 'version'], 0],
    ['of a negative version', 'timestamp', ['signed', 'version'], -1],
    ['of a fractional version', 'timestamp', ['signed', 'version'], 1.5],
    ['of a version as text', 'timestamp', ['signed', 'version'], '1'],
    ['of a version beyond 2^53', 'timestamp', ['signed', 'version'], 2 ** 60],
    ['without an expiry', 'timestamp', ['signed', 'expires'], undefined],
    ['with an expiry that is no time', 'timestamp', ['signed', 'expires'], 'tomorrow'],
    ['with an expiry on 30 February', 'timestamp', ['signed', 'expires'], '2027-02-30T00:00:00Z'],
    ['with an expiry at 25 o’clock', 'timestamp', ['signed', 'expires'], '2027-02-03T25:00:00Z'],
    ['with an expiry in a time zone', 'timestamp', ['signed', 'expires'], '2027-02-03T00:00:00+02:00'],
    ['without naming a snapshot', 'timestamp', ['signed', 'meta'], {}],
    ['naming a snapshot of negative length', 'timestamp', ['signed', 'meta', 'snapshot.json', 'length'], -1],
    ['naming a snapshot by no digest at all', 'timestamp', ['signed', 'meta', 'snapshot.json', 'hashes'], {}],
    ['nested too deep', 'timestamp', ['signed', 'x'], JSON.parse(deep)],
    ['without a role', 'root', ['signed', 'roles', 'snapshot'], undefined],
    ['with a threshold of 0', 'root', ['signed', 'roles', 'root', 'threshold'], 0],
    ['with one key listed twice', 'root', ['signed', 'roles', 'root', 'keyids'], ['a', 'a']],
    ['with a key of no type', 'root', ['signed', 'keys'], { a: { scheme: 'x', keyval: { public: '' } } }],
    ['with a key of no value', 'root', ['signed', 'keys'], { a: { keytype: 'x', scheme: 'x', keyval: {} } }],
    ['with keys that are a list', 'root', ['signed', 'keys'], []],
    ['saying neither yes nor no to consistent snapshots', 'root', ['signed', 'consistent_snapshot'], 'true'],
    ['with a file of version 0', 'snapshot', ['signed', 'meta', 'targets.json', 'version'], 0],
    ['with a target of no length', 'targets', ['signed', 'targets', 'a/b.json', 'length'], undefined],
    ['with a target of no digest', 'targets', ['signed', 'targets', 'a/b.json', 'hashes'], {}],
    [
      'with a target’s custom part that is no object',
      'targets',
      ['signed', 'targets', 'a/b.json', 'custom'],
      1,
    ],
    ['delegating without roles', 'targets', ['signed', 'delegations'], { keys: {} }],
    [
      'delegating to a role without paths',
      'targets',
      ['signed', 'delegations'],
      delegating({ paths: undefined }),
    ],
    [
      'delegating in two ways',
      'targets',
      ['signed', 'delegations'],
      delegating({ path_hash_prefixes: ['0'] }),
    ],
    [
      'delegating by a prefix that is no hexadecimal',
      'targets',
      ['signed', 'delegations'],
      delegating({ paths: undefined, path_hash_prefixes: ['x'] }),
    ],
    [
      'delegating to a top-level role',
      'targets',
      ['signed', 'delegations'],
      delegating({ name: 'timestamp' }),
    ],
    ['delegating to a role without a name', 'targets', ['signed', 'delegations'], delegating({ name: '' })],
    [
      'delegating to a name of 256 letters',
      'targets',
      ['signed', 'delegations'],
      delegating({ name: 'x'.repeat(256) }),
    ],
    ['delegating to one role twice', 'targets', ['signed', 'delegations'], delegating({}, {})],
    ['delegating to bins of 33 bits', 'targets', ['signed', 'delegations'], bins(33)],
    ['delegating to bins of 0 bits', 'targets', ['signed', 'delegations'], bins(0)],
    ['delegating to bins and roles', 'targets', ['signed', 'delegations'], { ...bins(8), roles: [] }],
  ] as const) {
    test(name, () => refuses(kind, changed(repository(), kind, path, value)));
  }

  test('when it is no JSON', () => refuses('root', Buffer.from('<html>')));
  test('when it is empty', () => refuses('root', new Uint8Array()));
  test('when a key occurs twice', () =>
    refuses('root', Buffer.from('{"signed":{},"signed":{},"signatures":[]}')));
  test('under the name of another kind', () => {
    for (const kind of kinds) {
      for (const other of kinds.filter((candidate) => candidate !== kind)) {
        refuses(kind, repository().bytes(other), 'WRONG_TYPE');
      }
    }
  });

  function delegating(...roles: readonly Readonly<Record<string, unknown>>[]): unknown {
    return {
      keys: {},
      roles: roles.map((fields) => ({
        name: 'a',
        keyids: [],
        threshold: 1,
        terminating: false,
        paths: ['*'],
        ...fields,
      })),
    };
  }

  function bins(bitLength: number): Record<string, unknown> {
    return {
      keys: {},
      succinct_roles: { keyids: [], threshold: 1, bit_length: bitLength, name_prefix: 'bin' },
    };
  }
});
