import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DelegatedRole, Delegations, TargetFile, Targets } from './documents.ts';
import { keysForRole, searchTarget } from './target-search.ts';
import { testDigestOf } from './test-support/signer.ts';
import { TrustError } from './trust-error.ts';

function role(
  name: string,
  options: { readonly terminating?: boolean; readonly patterns?: readonly string[] } = {},
): DelegatedRole {
  return {
    name,
    keyIds: [],
    threshold: 1,
    terminating: options.terminating ?? false,
    scope: { kind: 'paths', patterns: options.patterns ?? ['*'] },
  };
}

function targets(options: {
  readonly roles?: readonly DelegatedRole[];
  readonly delegations?: Delegations;
  readonly knows?: string;
}): Targets {
  const file: TargetFile = { path: options.knows ?? '', lengthBytes: 1, hashes: new Map([['sha256', '00']]) };
  const delegations =
    options.delegations ??
    (options.roles === undefined ? undefined : { keys: new Map(), roles: options.roles });
  return {
    type: 'targets',
    specVersion: '1.0',
    version: 1,
    expiresMs: 0,
    fields: {},
    targets: new Map(options.knows === undefined ? [] : [[options.knows, file]]),
    ...(delegations === undefined ? {} : { delegations }),
  };
}

/** Walks a graph of roles and tells in which order it was visited. */
function walk(
  path: string,
  graph: Readonly<Record<string, Targets>>,
  limit = 32,
): { readonly visited: readonly string[]; readonly found: boolean } {
  const visited: string[] = [];
  const search = searchTarget(path, limit, testDigestOf);
  let step = search.next();
  while (step.done !== true) {
    visited.push(step.value.role);
    step = search.next(graph[step.value.role] ?? targets({}));
  }
  return { visited, found: step.value !== undefined };
}

describe('the search for a target', () => {
  test('goes depth first, in the order of delegation', () => {
    const graph = {
      targets: targets({ roles: [role('a'), role('b')] }),
      a: targets({ roles: [role('c'), role('d')] }),
    };
    assert.deepEqual(walk('x', graph), { visited: ['targets', 'a', 'c', 'd', 'b'], found: false });
  });

  test('ends with the first role that knows the path', () => {
    const graph = {
      targets: targets({ roles: [role('a'), role('b')] }),
      a: targets({ knows: 'x' }),
      b: targets({ knows: 'x' }),
    };
    assert.deepEqual(walk('x', graph), { visited: ['targets', 'a'], found: true });
  });

  test('never goes past a terminating delegation of the path', () => {
    const graph = {
      targets: targets({ roles: [role('a'), role('b')] }),
      a: targets({ roles: [role('c', { terminating: true }), role('d')] }),
    };
    assert.deepEqual(walk('x', graph).visited, ['targets', 'a', 'c']);
  });

  test('goes past a terminating delegation of other paths', () => {
    const graph = {
      targets: targets({ roles: [role('a', { terminating: true, patterns: ['other/*'] }), role('b')] }),
    };
    assert.deepEqual(walk('x', graph).visited, ['targets', 'b']);
  });

  test('visits each role once, in circles too', () => {
    const graph = {
      targets: targets({ roles: [role('a')] }),
      a: targets({ roles: [role('b')] }),
      b: targets({ roles: [role('a'), role('b')] }),
    };
    assert.deepEqual(walk('x', graph).visited, ['targets', 'a', 'b']);
  });

  test('follows delegations by the digest of the path', () => {
    const digest = testDigestOf('sha256', Buffer.from('x'));
    const other = digest.startsWith('0') ? '1' : '0';
    const byDigest = (name: string, prefixes: readonly string[]): DelegatedRole => ({
      ...role(name),
      scope: { kind: 'hash-prefixes', prefixes },
    });
    const graph = {
      targets: targets({ roles: [byDigest('no', [other]), byDigest('yes', [other, digest.slice(0, 3)])] }),
    };
    assert.deepEqual(walk('x', graph).visited, ['targets', 'yes']);
  });

  test('follows bins (TAP 15)', () => {
    const succinct = { keyIds: ['k'], threshold: 1, bitLength: 10, namePrefix: 'bin' };
    const delegations: Delegations = { keys: new Map(), roles: [], succinct };
    const bin = (Number.parseInt(testDigestOf('sha256', Buffer.from('x')).slice(0, 4), 16) >> 6)
      .toString(16)
      .padStart(3, '0');
    assert.deepEqual(walk('x', { targets: targets({ delegations }) }).visited, ['targets', `bin-${bin}`]);
    assert.equal(keysForRole(`bin-${bin}`, delegations), succinct);
    for (const stranger of ['bin-400', 'bin-0', 'bin-0g0', 'bin-0A0', 'other-000', 'bin-']) {
      assert.equal(keysForRole(stranger, delegations), undefined, stranger);
    }
  });

  test('ends with an error after the limit of delegated roles', () => {
    const chain = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [
        index === 0 ? 'targets' : `r${index}`,
        targets({ roles: [role(`r${index + 1}`)] }),
      ]),
    );
    assert.throws(
      () => walk('x', chain, 32),
      (error) => error instanceof TrustError && error.code === 'TOO_MANY_ROLES',
    );
    const short = Object.fromEntries(Object.entries(chain).slice(0, 32));
    assert.equal(walk('x', short, 32).visited.length, 33);
  });
});
