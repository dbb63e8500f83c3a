import { describe, test } from 'node:test';
import { TestSigner } from '@sallyport/core/domain/trust/test-support/signer';
import type { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { type Attack, vendorRepository, withstands } from '../../../test-support/attacked-trust.ts';

const below = ['root', 'timestamp', 'snapshot', 'targets', 'catalog'];

/** The files that are believed before the role of an attack is reached, when everything is published anew. */
function believedBefore(role: string): readonly string[] {
  const files = ['timestamp.json', 'snapshot.json', 'targets.json'];
  return files.slice(0, Math.max(0, below.indexOf(role) - 1));
}

/** Publishes everything below root anew, and a role served differently. */
function publishWith(repo: TufRepository, role: string, bytes: () => Uint8Array): void {
  for (const each of role === 'root' ? ['root'] : ['catalog', 'targets', 'snapshot', 'timestamp']) {
    repo.json(each).version += 1;
    repo.serve(each, each === role ? bytes() : repo.sign(each));
  }
}

type Forgery = Readonly<Record<string, (repo: TufRepository, role: string) => Uint8Array>>;

const forgeries: Forgery = {
  'no key at all signed': (repo, role) => repo.sign(role, []),
  'a stranger signed': (repo, role) => repo.sign(role, [new TestSigner()]),
  'every key of the other roles signed': (repo, role) =>
    repo.sign(
      role,
      below.filter((other) => other !== role).flatMap((other) => repo.signers.get(other) ?? []),
    ),
};

describe('a refresh refuses', () => {
  for (const role of below) {
    for (const [forgery, sign] of Object.entries(forgeries)) {
      test(`a ${role} that ${forgery}`, (t) =>
        withstands(t, {
          does: ({ repo }) => publishWith(repo, role, () => sign(repo, role)),
          code: 'BELOW_THRESHOLD',
          says: new RegExp(`^${role} version \\d is signed by 0 of the 1 keys`),
          advances: believedBefore(role),
        }));
    }

    test(`a ${role} with a byte changed after it was signed`, (t) =>
      withstands(t, {
        does: ({ repo }) =>
          publishWith(repo, role, () => {
            const text = Buffer.from(repo.sign(role)).toString();
            return Buffer.from(text.replace('"1.0.31"', '"1.0.30"'));
          }),
        code: 'BAD_SIGNATURE',
        says: new RegExp(`^${role} version \\d.*altered or wrongly signed`),
        advances: believedBefore(role),
      }));
  }

  const single = (attack: Attack): ((t: Parameters<typeof withstands>[0]) => Promise<void>) => {
    return (t) => withstands(t, attack);
  };

  test(
    'a timestamp whose one signature is listed twice under its key',
    single({
      repo: twoKeysWanted,
      does: ({ repo }) =>
        publishWith(repo, 'timestamp', () => {
          const [signer] = repo.signers.get('timestamp') ?? [];
          return repo.sign('timestamp', signer === undefined ? [] : [signer, signer]);
        }),
      code: 'MALFORMED',
      says: /^timestamp metadata is malformed: it has two signatures of key/,
    }),
  );

  test(
    'a root that lists one key under two ids, and needs two',
    single({
      does: ({ repo }) => {
        const [signer] = repo.signers.get('timestamp') ?? [];
        const alias = 'an-alias';
        repo.root.keys[alias] = signer?.keyJson;
        repo.root.roles['timestamp'] = { keyids: [signer?.keyId ?? '', alias], threshold: 2 };
        repo.publish('root');
        const own = JSON.parse(Buffer.from(repo.sign('timestamp')).toString()) as {
          signatures: { keyid: string; sig: string }[];
        };
        own.signatures.push({ keyid: alias, sig: own.signatures[0]?.sig ?? '' });
        repo.serve('timestamp', Buffer.from(JSON.stringify(own)));
      },
      code: 'BELOW_THRESHOLD',
      says: /^timestamp version \d is signed by 1 of the 2 keys/,
      advances: ['root.json', 'root_history/2.root.json'],
    }),
  );

  test(
    'a signature that was made over the bytes as served, not over the canonical form',
    single({
      does: ({ repo }) =>
        publishWith(repo, 'timestamp', () => {
          const [signer] = repo.signers.get('timestamp') ?? [new TestSigner()];
          const signed = JSON.stringify(repo.timestamp);
          const sig = Buffer.from(signer?.sign(Buffer.from(signed)) ?? []).toString('hex');
          return Buffer.from(
            `{"signed":${signed},"signatures":[{"keyid":"${signer?.keyId}","sig":"${sig}"}]}`,
          );
        }),
      code: 'BAD_SIGNATURE',
      says: /^timestamp version/,
    }),
  );

  for (const [what, sig] of [
    ['empty', ''],
    ['one byte', '00'],
    ['no hexadecimal', 'g'.repeat(128)],
    ['a megabyte too long for its role', '0'.repeat(1_000_000)],
  ] as const) {
    test(
      `a timestamp whose signature is ${what}`,
      single({
        does: ({ repo }) =>
          publishWith(repo, 'timestamp', () => {
            const [signer] = repo.signers.get('timestamp') ?? [];
            return Buffer.from(
              JSON.stringify({ signed: repo.timestamp, signatures: [{ keyid: signer?.keyId, sig }] }),
            );
          }),
        code: sig.length > 1000 ? 'TOO_LARGE' : 'BAD_SIGNATURE',
        says: /timestamp/,
      }),
    );
  }
});

function twoKeysWanted(): TufRepository {
  const repo = vendorRepository();
  repo.addKey('timestamp');
  const role = repo.root.roles['timestamp'];
  if (role !== undefined) role.threshold = 2;
  // Still the first root: it is what the site pins.
  repo.root.version = 0;
  repo.publish('root');
  repo.publishTargets();
  return repo;
}
