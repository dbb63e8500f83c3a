import assert from 'node:assert/strict';
import { testDigestOf, TestSigner } from '@sallyport/core/domain/trust/test-support/signer';
import type { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';

/*
 * Every case in which our verdict is known to differ from that of tuf-js, with the section of the TUF specification
 * (1.0.34) that decides. Where it does not say, we take the reading that believes less.
 */

export const nowMs = Date.UTC(2026, 10, 24);
export const hello = Buffer.from('hello');
/** How a verdict names it. */
export const accepted = testDigestOf('sha256', hello).slice(0, 16);

export type Answer = 'accepted' | 'refused' | 'refused as a whole' | 'unknown';

export interface Difference {
  readonly section: string;
  readonly name: string;
  readonly path?: string;
  readonly change: (repo: TufRepository) => void;
  readonly ours: Answer;
  readonly tufJs: Answer;
}

/** Signed as it is now, then written in other words that mean the same to a lenient reader. */
function reworded(repo: TufRepository, role: string, from: RegExp, to: string): void {
  repo.json(role).version += 1;
  const text = Buffer.from(repo.sign(role)).toString();
  assert.match(text, from);
  repo.serve(role, Buffer.from(text.replace(from, to)));
  if (role === 'targets') repo.publish('snapshot');
  if (role !== 'timestamp') repo.publish('timestamp');
}

/** A role below targets that knows `hello` under a path, in the scope given. */
export function below(
  repo: TufRepository,
  path: string,
  scope: Readonly<Record<string, unknown>>,
  name = 'below',
): void {
  repo.delegate('targets', name, { scope });
  repo.addTarget(path, hello, name);
  repo.publishTargets();
}

function pattern(pathPattern: string, path: string): (repo: TufRepository) => void {
  return (repo) => below(repo, path, { paths: [pathPattern] });
}

const bracesAndTheLike: readonly (readonly [string, string])[] = [
  ['{x,y}', 'x'],
  ['+(x)', 'xx'],
  ['@(x|y)', 'x'],
  ['[xy]', 'x'],
  ['!y', 'x'],
  ['x/[!y]', 'x/z'],
];

export const differences: readonly Difference[] = [
  ...bracesAndTheLike.map(([glob, path]): Difference => ({
    section: '4.5',
    name: `only * and ? are wildcards: ${glob} does not stand for ${path}`,
    path,
    change: pattern(glob, path),
    ours: 'unknown',
    tufJs: 'accepted',
  })),
  {
    section: '4.5',
    name: 'a # begins a name, not a comment',
    path: '#x',
    change: pattern('#x', '#x'),
    ours: 'accepted',
    tufJs: 'unknown',
  },
  {
    section: '4.5',
    name: 'a * stands for a leading dot, as in the reference implementation',
    path: 'x/.hidden',
    change: pattern('x/*', 'x/.hidden'),
    ours: 'accepted',
    tufJs: 'unknown',
  },
  {
    section: '4.5',
    name: 'delegations keep their order when their names are numbers',
    change: (repo) => {
      below(repo, 'file', { paths: ['*'] }, '10');
      repo.delegate('targets', '2');
      repo.addTarget('file', Buffer.from('other'), '2');
      repo.publishTargets();
    },
    ours: 'accepted',
    tufJs: 'refused as a whole',
  },
  ...['constructor', 'toString', '__proto__'].map((name): Difference => ({
    section: '4.5',
    name: `a role may be called ${name}`,
    change: (repo) => below(repo, 'file', { paths: ['*'] }, name),
    ours: 'accepted',
    tufJs: 'refused',
  })),
  {
    section: '4.5',
    name: 'nobody knows a path only because every object has something of that name',
    path: 'constructor',
    change: () => undefined,
    ours: 'unknown',
    tufJs: 'refused',
  },
  {
    section: '4.5',
    name: 'a prefix of a digest has at least one digit',
    change: (repo) => below(repo, 'file', { path_hash_prefixes: [''] }),
    ours: 'refused as a whole',
    tufJs: 'accepted',
  },
  {
    section: '4.5',
    name: 'a prefix of a digest may be written in capitals',
    change: (repo) =>
      below(repo, 'file', {
        path_hash_prefixes: [testDigestOf('sha256', Buffer.from('file')).slice(0, 6).toUpperCase()],
      }),
    ours: 'accepted',
    tufJs: 'unknown',
  },
  {
    section: '4.5',
    name: 'a delegation says for which paths it is',
    change: (repo) => {
      repo.addTarget('file', hello);
      repo.delegate('targets', 'below', { scope: {} });
      repo.publishTargets();
    },
    ours: 'refused as a whole',
    tufJs: 'accepted',
  },
  {
    section: '4.5 and 5.7.2',
    name: 'one known digest that fits is enough beside one of an unknown kind',
    change: (repo) => {
      repo.addTarget('file', hello);
      Object.assign(repo.targets().targets['file'] ?? {}, {
        hashes: { sha256: testDigestOf('sha256', hello), 'of-the-future': '00' },
      });
      repo.publishTargets();
    },
    ours: 'accepted',
    tufJs: 'refused',
  },
  {
    section: '4.5 and 5.7.2',
    name: 'a digest that anybody can forge is none',
    change: (repo) => {
      const md5 = '5d41402abc4b2a76b9719d911017c592';
      Object.assign(repo.targets().targets, { file: { length: hello.length, hashes: { md5 } } });
      repo.targetFiles.set(`${md5}.file`, hello);
      repo.publishTargets();
    },
    ours: 'refused',
    tufJs: 'accepted',
  },
  {
    section: '4.4',
    name: 'a digest may be written in capitals',
    change: (repo) => {
      repo.addTarget('file', hello);
      repo.publish('targets');
      const file = repo.snapshot.meta['targets.json'] as { hashes: { sha256: string } };
      file.hashes.sha256 = file.hashes.sha256.toUpperCase();
      repo.publish('snapshot', 'timestamp');
    },
    ours: 'accepted',
    tufJs: 'refused as a whole',
  },
  {
    section: '4.3 and 5.3.4',
    name: 'one key under two ids is one key',
    change: (repo) => {
      const signer = new TestSigner();
      const role = { name: 'below', keyids: ['one', 'two'], threshold: 2, terminating: false, paths: ['*'] };
      repo.delegate('targets', 'below');
      repo.addTarget('file', hello, 'below');
      repo.targets().delegations = { keys: { one: signer.keyJson, two: signer.keyJson }, roles: [role] };
      const doubled = ['one', 'two'].map((keyId) => ({
        keyId,
        keyJson: signer.keyJson,
        key: signer.key,
        sign: (message: Uint8Array) => signer.sign(message),
      }));
      repo.signers.set('below', doubled as unknown as TestSigner[]);
      repo.publishTargets();
    },
    ours: 'refused',
    tufJs: 'accepted',
  },
  {
    section: '4.2',
    name: 'a key has a public part, of whatever kind it is',
    change: (repo) => {
      repo.addTarget('file', hello);
      repo.root.keys['strange'] = { keytype: 'of the future', scheme: 'x', keyval: { certificate: 'x' } };
      repo.publish('root');
      repo.publishTargets();
    },
    ours: 'refused as a whole',
    tufJs: 'accepted',
  },
  {
    section: '4.2',
    name: 'a field that occurs twice has no value',
    change: (repo) => {
      repo.addTarget('file', hello);
      reworded(repo, 'targets', /"version": (\d+)/, '"version": 1, "version": $1');
    },
    ours: 'refused as a whole',
    tufJs: 'accepted',
  },
  ...['$1.0', '$1e0'].map((number): Difference => ({
    section: '4.2',
    name: `a version is a whole number, not ${number.replace('$1', '2')}`,
    change: (repo) => {
      repo.addTarget('file', hello);
      reworded(repo, 'targets', /"version": (\d+)/, `"version": ${number}`);
    },
    ours: 'refused as a whole',
    tufJs: 'accepted',
  })),
  {
    section: '4.2',
    name: 'keys of canonical JSON are sorted by code points',
    change: (repo) => {
      repo.addTarget('file', hello);
      Object.assign(repo.targets(), { '\uFFFD': 1, '\u{1F600}': 2 });
      repo.publishTargets();
    },
    ours: 'accepted',
    tufJs: 'refused as a whole',
  },
  {
    section: '4.2.2',
    name: 'a time is written in one way',
    change: (repo) => {
      repo.addTarget('file', hello);
      repo.targets().expires = '2027-02-03T00:00:00+02:00';
      repo.publishTargets();
    },
    ours: 'refused as a whole',
    tufJs: 'accepted',
  },
  {
    section: '4.3',
    name: 'versions begin with 1',
    change: (repo) => {
      repo.addTarget('file', hello);
      repo.publishTargets();
      repo.timestamp.version = -1;
      repo.publish('timestamp');
    },
    ours: 'refused as a whole',
    tufJs: 'accepted',
  },
  {
    section: '4.3',
    name: 'a root need not say whether snapshots are consistent: they are not',
    change: (repo) => {
      repo.root.consistent_snapshot = false;
      repo.addTarget('file', hello);
      Reflect.deleteProperty(repo.root, 'consistent_snapshot');
      repo.publish('root');
      repo.publishTargets();
    },
    ours: 'accepted',
    tufJs: 'refused as a whole',
  },
  {
    section: '4.6',
    name: 'a timestamp may name what nobody here knows',
    change: (repo) => {
      repo.addTarget('file', hello);
      repo.publish('targets', 'snapshot');
      repo.timestamp.meta['of-the-future.json'] = { version: 1 };
      repo.publish('timestamp');
    },
    ours: 'accepted',
    tufJs: 'refused as a whole',
  },
];
