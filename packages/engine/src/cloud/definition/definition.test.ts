import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageGuid, productId } from '@sallyport/core/shared/ids';
import { checkCommands } from './commands.ts';
import { readDefinition } from './definition.ts';
import { formatProblem } from './problem.ts';
import { checkRelations, type PublishedPackages } from './relations.ts';

const guid = (digit: string): string => `00000000-0000-4000-8000-00000000000${digit}`;
const hello = productId('hello');

const published: PublishedPackages = new Map([
  [
    hello,
    [
      {
        guid: packageGuid(guid('a')),
        kind: 'version-update',
        version: '0.9',
        descriptor: { sha256: 'a'.repeat(64) as never, sizeBytes: 1 },
        withdrawn: { at: '2026-01-01', reason: 'bad' },
      },
    ],
  ],
  [
    productId('other'),
    [
      {
        guid: packageGuid(guid('b')),
        kind: 'baseline',
        version: '1',
        descriptor: { sha256: 'a'.repeat(64) as never, sizeBytes: 1 },
      },
    ],
  ],
]);

const good = `schema: 1
guid: ${guid('1')}
product: hello
name: Hello
kind: version-update
version: 1.10
releasedAt: 2026-01-12
payload:
  - folder: payload
`;

/** Problems as `line:column message`, of definitions checked together. */
function problemsOf(texts: readonly string[], paths: readonly string[] = []): readonly string[] {
  const definitions = texts.map((text, index) => readDefinition(`p${index}.yaml`, Buffer.from(text)));
  checkRelations(definitions, published);
  for (const definition of definitions) {
    checkCommands(definition, new Set(paths));
  }
  return definitions.flatMap(({ source }) => source.problems.map(formatProblem));
}

const only = (text: string, paths: readonly string[] = []): string => {
  const problems = problemsOf([text], paths);
  assert.equal(problems.length, 1, problems.join('\n'));
  return problems[0] ?? '';
};

test('reads what was written, and fills in what nobody has to write', () => {
  const { complete, source } = readDefinition('p.yaml', Buffer.from(good));
  assert.deepEqual(source.problems, []);
  assert.equal(complete?.version, '1.10', 'a version that looks like a number keeps its zero');
  assert.deepEqual(
    [complete?.ring, complete?.impact, complete?.requires, complete?.appliesTo, complete?.payload[0]?.into],
    ['general', ['site-server'], [], {}, ''],
  );
});

test('names an unknown field with its place and the field that was meant', () => {
  assert.match(
    only(`${good}prerequisits: []\n`),
    /^p0\.yaml:10:1: a definition has no field "prerequisits"\. Did you mean "prerequisites"\?/,
  );
  assert.match(only(good.replace('folder:', 'foldr:')), /p0\.yaml:9:5: .*"foldr".*Did you mean "folder"/);
});

test('reports every problem of every definition at once, each at its line', () => {
  const bad = good
    .replace('1.10', 'one')
    .replace('version-update', 'version-updat')
    .replace('2026-01-12', '2026-02-30')
    .replace('product: hello\n', '');
  const problems = problemsOf([bad, good.replace(guid('1'), 'no-guid')]);
  assert.deepEqual(
    new Set(problems.map((problem) => problem.replace(/: .*/, ''))),
    new Set(['p0.yaml:1:1', 'p0.yaml:4:7', 'p0.yaml:5:10', 'p0.yaml:6:13', 'p1.yaml:2:7']),
  );
  assert.ok(problems.some((problem) => problem.includes('"product" is missing')));
  assert.ok(problems.some((problem) => problem.includes('Did you mean "version-update"')));
});

const broken: readonly (readonly [string, string, RegExp])[] = [
  ['a broken YAML file', `${good}hooks: [\n`, /no YAML/],
  ['the same field twice', `${good}name: Again\n`, /:10:1: .*unique.*Leave one of the two out/],
  ['an alias', good.replace('name: Hello', 'name: *hello'), /no YAML|alias/],
  [
    'what a terminal would obey',
    good.replace('name: Hello', 'name: "a\\e[31mb"'),
    /"name" must be text that can be seen/,
  ],
  [
    'what turns text around',
    good.replace('name: Hello', 'name: "a\\u202Eb"'),
    /"name" must be text that can be seen/,
  ],
  ['an empty value', good.replace('name: Hello', 'name:'), /:4:1: "name" is empty/],
  ['a wrong kind of value', good.replace('kind: version-update', 'kind: [hotfix]'), /"kind" must be text/],
  [
    'a product that the vendor does not have',
    good.replace('product: hello', 'product: helo'),
    /:3:10: .*Did you mean "hello"/,
  ],
  [
    'another form of definition',
    good.replace('schema: 1', 'schema: 2'),
    /:1:9: "schema" must be a whole number from 1 to 1/,
  ],
  ['a date with a time that is not UTC', good.replace('2026-01-12', '2026-01-12T10:00:00+01:00'), /no date/],
  ['support that ends before the release', `${good}supportEndsAt: 2025-01-01\n`, /support ends before/],
  ['a link that is none', `${good}moreInfo: javascript:alert(1)\n`, /no web address/],
  ['a range upside down', `${good}appliesTo: { lowest: '1.5', highest: '1.0' }\n`, /lowest version/],
  [
    'an update that applies to newer versions only',
    `${good}appliesTo: { lowest: '2.0' }\n`,
    /cannot apply only from 2\.0/,
  ],
  ['a package that requires itself', `${good}requires: ['${guid('1')}']\n`, /requires itself/],
  [
    'an unknown required package',
    `${good}requires: ['${guid('9')}']\n`,
    /:10:12: .*neither published nor given/,
  ],
  ['a required package of another product', `${good}requires: ['${guid('b')}']\n`, /of the product other/],
  ['a required package that is withdrawn', `${good}requires: ['${guid('a')}']\n`, /withdrawn/],
  ['a package required twice', `${good}supersedes: ['${guid('a')}', '${guid('a')}']\n`, /listed twice/],
  [
    'a baseline that applies to something',
    good.replace('version-update', 'baseline') + `appliesTo: { lowest: '0.1' }\n`,
    /a baseline cannot have "appliesTo"/,
  ],
  [
    'a source that is both',
    good.replace('folder: payload', 'folder: payload\n    tarball: x.tgz'),
    /either a folder or a tarball/,
  ],
  ['no source', good.replace('payload:\n  - folder: payload', 'payload: []'), /"payload" is empty/],
  ['a licence without text', `${good}licence: { name: MIT }\n`, /needs its text exactly once/],
  [
    'an unknown check',
    `${good}prerequisites: [{ id: a, title: t, severity: error, remedy: r, check: { kind: free-disc } }]\n`,
    /Did you mean "free-disk"/,
  ],
  [
    'a size with a unit',
    `${good}prerequisites: [{ id: a, title: t, severity: error, remedy: r, check: { kind: free-disk, sizeBytes: 5 MB } }]\n`,
    /whole number of at least 1.*without a unit/,
  ],
  [
    'the same id twice',
    `${good}features: [{ id: a, name: A, kind: optional }, { id: a, name: B, kind: optional }]\n`,
    /"a" is there twice/,
  ],
  [
    'a rule that tests two things',
    `${good}applicability: { fact: product.version, is: '1', below: '2' }\n`,
    /is and below at once/,
  ],
  ['a rule that tests nothing', `${good}applicability: { fact: product.version }\n`, /tests nothing/],
  [
    'a rule with a misspelt operator',
    `${good}applicability: { all: [{ fact: x, atleast: '1' }] }\n`,
    /Did you mean "atLeast"/,
  ],
  [
    'a version in a rule without quotes',
    `${good}applicability: { fact: product.version, below: 5.9 }\n`,
    /put a version in quotes/i,
  ],
  ['a rule that mixes groups', `${good}applicability: { all: [], any: [] }\n`, /mixes all and any/],
  [
    'a rule of too many nodes',
    `${good}applicability: { all: [${'{ fact: x, exists: true },'.repeat(200)}] }\n`,
    /201 nodes, more than the 200/,
  ],
  [
    'a rule that is too deep',
    `${good}applicability: ${'{ not: '.repeat(25)}{ fact: x, exists: true }${' }'.repeat(25)}\n`,
    /deeper than the 20 levels/,
  ],
  [
    'a hook that is not in the payload',
    `${good}hooks: [{ id: h, phase: before-switch, run: ['{node}', '{release}/hooks/a.mjs'] }]\n`,
    /"hooks\/a\.mjs" is not in the payload\. Did you mean "hook\/a\.mjs"/,
  ],
  [
    'a placeholder that stands for nothing',
    `${good}healthCheck: { run: ['{nod}', x] }\n`,
    /Did you mean "\{node\}"/,
  ],
  ['a program relative to nothing', `${good}healthCheck: { run: [bin/x] }\n`, /write "\{release\}\/bin\/x"/i],
  [
    'a prerequisite that needs the release',
    `${good}prerequisites: [{ id: a, title: t, severity: error, remedy: r, check: { kind: command, command: { run: ['{node}', '{release}/hook/a.mjs'] } } }]\n`,
    /before the release is there/,
  ],
];

for (const [what, text, expected] of broken) {
  test(`refuses ${what}`, () => {
    assert.match(only(text, ['hook/a.mjs']), expected);
  });
}

test('names every member of a circle of requirements, and every circle', () => {
  const needing = (own: string, ...needed: readonly string[]): string =>
    good
      .replace(guid('1'), guid(own))
      .replace('name: Hello', `name: P${own}`)
      .concat(`requires: [${needed.map((one) => `'${guid(one)}'`).join(', ')}]\n`);
  const problems = problemsOf([
    needing('1', '2'),
    needing('2', '3'),
    needing('3', '1'),
    needing('4', '5'),
    needing('5', '4'),
    needing('6', '1'),
  ]);
  assert.equal(problems.length, 2, problems.join('\n'));
  assert.match(
    problems.join('\n'),
    /p2\.yaml:10:12: packages require each other in a circle: P1 → P2 → P3 → P1/,
  );
  assert.match(problems.join('\n'), /P4 → P5 → P4/);
});

test('two definitions cannot have one GUID', () => {
  assert.match(problemsOf([good, good]).join('\n'), /p1\.yaml:2:7: the GUID .* is that of p0\.yaml too/);
});

test('whatever the bytes are, there is a problem with a place and no crash', () => {
  for (const bytes of [
    Buffer.from(''),
    Buffer.from([0xff, 0xfe, 0x00]),
    Buffer.from('- 1\n- 2\n'),
    Buffer.from('a'),
    Buffer.from('? {}\n: 1\n'),
    Buffer.alloc(2_000_000, 97),
    Buffer.from('&a [*a]'),
  ]) {
    const { source, complete } = readDefinition('p.yaml', bytes);
    assert.ok(source.problems.length > 0);
    assert.equal(complete, undefined);
    assert.match(source.problems.map(formatProblem).join('\n'), /^p\.yaml:\d+:\d+: /);
  }
});
