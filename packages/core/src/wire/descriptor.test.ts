import assert from 'node:assert/strict';
import { test } from 'node:test';
import { descriptor, guid } from '../domain/updates/test-support/packages.ts';
import type { PackageDescriptor } from '../domain/updates/package.ts';
import type { Rule } from '../domain/updates/rule.ts';
import { digest } from '../shared/ids.ts';
import { descriptorFormat, parseDescriptor } from './descriptor.ts';
import { changed, problemPaths, refusesAt, testDocument } from './test-support/hostile.ts';
import { WireError } from './wire-error.ts';

const command = { run: ['{node}', '{release}/bin/check.js', ''], timeoutMs: 60_000 };

const full: PackageDescriptor = descriptor({
  description: 'Lines\nand "quotes" and \u0001.',
  appliesTo: { lowest: '5.8', highest: '5.9.1' },
  supersedes: [guid(2)],
  requires: [guid(3)],
  supportEndsAt: '2027-01-01',
  releasedAt: '2025-08-01T17:00:00Z',
  licence: { name: 'Apache-2.0', text: 'Text\r\n\twith lines' },
  moreInfo: 'https://example.com/notes',
  applicability: {
    all: [
      { fact: 'platform.os', in: ['linux', 'darwin'] },
      { not: { any: [{ fact: 'product.version', below: '5.8' }] } },
    ],
  },
  prerequisites: [
    {
      id: 'disk',
      title: 'Disk',
      severity: 'error',
      remedy: 'Free some.',
      check: { kind: 'free-disk', sizeBytes: 1 },
    },
    {
      id: 'rule',
      title: 'Rule',
      severity: 'warning',
      remedy: 'x',
      siteTypes: ['central'],
      check: { kind: 'rule', rule: { fact: 'a', is: true, says: 'A!' } },
    },
    { id: 'run', title: 'Run', severity: 'warning', remedy: 'x', check: { kind: 'command', command } },
    { id: 'idle', title: 'Idle', severity: 'error', remedy: 'x', check: { kind: 'no-pending-work' } },
  ],
  features: [{ id: 'f', name: 'Feature', kind: 'pre-release' }],
  hooks: [{ ...command, id: 'h', phase: 'before-switch', probe: command, undo: command, privileged: false }],
  healthCheck: { ...command, outputIs: 'Version 5.9.2', attemptsMax: 3, delayMs: 0 },
});

testDocument(descriptorFormat, full, [
  'schema',
  'guid',
  'product',
  'name',
  'description',
  'kind',
  'version',
  'appliesTo',
  'supersedes',
  'requires',
  'ring',
  'impact',
  'releasedAt',
  'prerequisites',
  'features',
  'content',
  'hooks',
]);

const hostile: readonly (readonly [readonly (number | string)[], unknown, string?])[] = [
  [['schema'], 2],
  [['guid'], 'A0000000-0000-4000-8000-000000000001'],
  [['guid'], '../../etc/passwd'],
  [['guid'], `${guid(1)}\n`],
  [['product'], 'Type Script'],
  [['product'], '-x'],
  [['name'], ''],
  [['name'], 'x'.repeat(201)],
  [['kind'], 'downgrade'],
  [['version'], 'latest'],
  [['version'], '1.'.repeat(60)],
  [['appliesTo', 'lowest'], 'x'],
  [['appliesTo', 'highest'], '5.7', '/appliesTo'],
  [['appliesTo', 'only'], '5.7'],
  [['supersedes'], [guid(2), guid(2)]],
  [['supersedes'], [guid(1)], '/supersedes/0'],
  [['requires'], [guid(1)], '/requires/0'],
  [['ring'], 'Early Ring'],
  [['impact'], ['site-server', 'phone'], '/impact/1'],
  [['releasedAt'], '2025-02-30'],
  [['releasedAt'], 'yesterday'],
  [['releasedAt'], '2025-08-01T17:00:00+02:00'],
  [['supportEndsAt'], '2027'],
  [['licence', 'text'], 'ä'.repeat(40_000)],
  [['moreInfo'], 'javascript:alert(1)'],
  [['moreInfo'], 'file:///etc/passwd'],
  [['moreInfo'], 'not a link'],
  [['prerequisites', 0, 'severity'], 'fatal'],
  [['prerequisites', 0, 'check', 'sizeBytes'], -1],
  [['prerequisites', 0, 'check', 'kind'], 'sql'],
  [['prerequisites', 0, 'check', 'unless'], true],
  [['prerequisites', 1, 'id'], 'disk'],
  [['prerequisites', 1, 'siteTypes'], ['tertiary'], '/prerequisites/1/siteTypes/0'],
  [['prerequisites', 2, 'check', 'command', 'run'], []],
  [['prerequisites', 2, 'check', 'command', 'run'], [''], '/prerequisites/2/check/command/run'],
  [['prerequisites', 2, 'check', 'command', 'run', 0], 'a\0b'],
  [['prerequisites', 2, 'check', 'command', 'shell'], true],
  [['features', 0, 'kind'], 'secret'],
  [['content', 'tree', 'sha256'], 'B'.repeat(64)],
  [['content', 'tree', 'sizeBytes'], -1],
  [['content', 'tree', 'url'], 'http://elsewhere'],
  [['content', 'totalBytes'], 2 ** 53],
  [['hooks', 0, 'id'], '../up'],
  [['hooks', 0, 'phase'], 'whenever'],
  [['hooks', 0, 'timeoutMs'], 0],
  [['hooks', 0, 'timeoutMs'], 86_400_001],
  [['hooks', 0, 'runAs'], 'root'],
  [['hooks', 0, 'undo', 'timeoutMs'], 'soon'],
  [['healthCheck', 'attemptsMax'], 0],
  [['healthCheck', 'ignoreFailures'], true],
];

for (const [path, to, at] of hostile) {
  test(`refuses a descriptor with ${path.join('.')} = ${JSON.stringify(to)?.slice(0, 60)}`, () => {
    refusesAt(descriptorFormat as never, full, path, to, at);
  });
}

test('refuses rules that it does not understand to the last word', () => {
  const rules: readonly (readonly [unknown, string])[] = [
    [{}, ''],
    [[], ''],
    [{ fact: 'a' }, ''],
    [{ fact: 'a', is: 1, below: 2 }, ''],
    [{ fact: 'a', is: null }, '/is'],
    [{ fact: 'a', matches: 'x' }, '/matches'],
    [{ fact: 'a', exists: false }, '/exists'],
    [{ fact: '', is: 1 }, '/fact'],
    [{ all: [] }, '/all'],
    [{ any: [{ all: [{ fact: 'a', in: [] }] }] }, '/any/0/all/0/in'],
    [{ all: [{ fact: 'a', is: 1 }], any: [{ fact: 'a', is: 1 }] }, ''],
    [{ not: [{ fact: 'a', is: 1 }] }, '/not'],
    [{ none: [{ fact: 'a', is: 1 }] }, ''],
  ];
  for (const [rule, at] of rules) {
    const paths = problemPaths(descriptorFormat as never, changed(full, ['applicability'], rule));
    assert.ok(
      paths.some((path) => path === `/applicability${at}`) ||
        (at === '' && paths.every((path) => path.startsWith('/applicability'))),
      `${JSON.stringify(rule)} ${paths.join(' ')}`,
    );
    assert.ok(paths.length > 0);
  }
});

test('refuses rules that are too large or too deep', () => {
  const leaf = { fact: 'a', is: 1 };
  const wide: Rule = { all: Array.from({ length: 100 }, () => ({ any: [leaf, leaf] })) };
  assert.deepEqual(problemPaths(descriptorFormat as never, { ...full, applicability: wide }), [
    '/applicability',
  ]);
  const nested = (levels: number): Rule => (levels === 1 ? leaf : { not: nested(levels - 1) });
  assert.deepEqual(problemPaths(descriptorFormat as never, { ...full, applicability: nested(20) }), []);
  assert.deepEqual(problemPaths(descriptorFormat as never, { ...full, applicability: nested(21) }), [
    '/applicability',
  ]);
  assert.notDeepEqual(problemPaths(descriptorFormat as never, { ...full, applicability: nested(5000) }), []);
});

test('reports everything that is wrong at once, with where', () => {
  const broken = {
    ...full,
    guid: 'x',
    version: 'y',
    hooks: [{ ...full.hooks[0], id: '' }],
    content: { ...full.content, fileCount: -1 },
  };
  assert.deepEqual(
    new Set(problemPaths(descriptorFormat as never, broken)),
    new Set(['/guid', '/version', '/hooks/0/id', '/content/fileCount']),
  );
  assert.throws(
    () => parseDescriptor(new TextEncoder().encode(JSON.stringify(broken))),
    (error) =>
      error instanceof WireError &&
      error.problems.length === 4 &&
      /package descriptor is not valid: .*guid must be a package GUID/.test(error.message),
  );
});

test('keeps fields of a later version', () => {
  const later = { ...full, mascot: { name: 'Ferry' }, features: [{ ...full.features[0], icon: 'x' }] };
  assert.deepEqual(parseDescriptor(descriptorFormat.print(later as PackageDescriptor)), later);
});

test('the ways to documents may have fields that are not known yet, and must be ways to them', () => {
  const blob = { sha256: digest('a'.repeat(64)), sizeBytes: 10 };
  const base = { sha256: digest('c'.repeat(64)), sizeBytes: 20 };
  const withWays = (tree: readonly object[], content: object = {}) => ({
    ...full,
    content: { ...full.content, ...content, documentEncodings: { tree, encodings: [], later: 1 } },
  });
  const patch = { kind: 'zstd-patch', blob, base, windowLog: 20 };
  descriptorFormat.check(withWays([{ kind: 'zstd', blob, later: true }, patch]));
  const at = (value: unknown): readonly string[] => descriptorFormat.problems(value).map(({ path }) => path);
  const tree = '/content/documentEncodings/tree';
  assert.deepEqual(at(withWays([{ ...patch, base: full.content.tree }])), [`${tree}/0/base`]);
  assert.deepEqual(at(withWays([{ ...patch, blob: { ...blob, sizeBytes: 2 ** 40 } }])), [
    `${tree}/0/blob/sizeBytes`,
  ]);
  assert.deepEqual(at(withWays([patch], { tree: { ...full.content.tree, sizeBytes: 2 ** 26 } })), [tree]);
  assert.notDeepEqual(at(withWays([{ ...patch, windowLog: 31 }])), []);
});
