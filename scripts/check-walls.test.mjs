import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { describe, it } from 'node:test';
import { checkFile, checkWalls } from './check-walls.mjs';

const domain = 'packages/core/src/domain/updates/x.ts';
const component = 'packages/engine/src/components/hierarchy-manager/x.ts';
const executive = 'packages/engine/src/executive/x.ts';
const storage = 'packages/engine/src/storage/files/x.ts';
const transport = 'packages/engine/src/transport/peer-tls/x.ts';
const site = 'apps/sallyport/src/site/x.ts';
const tool = 'apps/sallyport/src/tool/x.ts';

/** @param {string} file @param {string} text @returns {string[]} `line rule` of every violation */
function found(file, text) {
  return checkFile(file, text).map(({ line, rule }) => `${line} ${rule}`);
}

/** Every row of the table once: what the room may import, and what it may not. */
const table = [
  {
    file: 'packages/core/src/shared/x.ts',
    may: ['./ids.ts'],
    mayNot: ['../domain/updates/rule.ts', '../wire/tuf.ts'],
  },
  {
    file: domain,
    may: ['../../shared/ids.ts', '../sites/site.ts', 'typebox'],
    mayNot: ['../../wire/tuf.ts', '@sallyport/engine/ports/clock'],
  },
  {
    file: 'packages/core/src/wire/x.ts',
    may: ['../domain/updates/rule.ts', 'typebox/value'],
    mayNot: ['@sallyport/engine/ports/clock', 'yaml'],
  },
  {
    file: 'packages/engine/src/ports/x.ts',
    may: ['@sallyport/core/domain/updates/rule'],
    mayNot: ['@sallyport/core/wire/tuf', '../storage/files/x.ts'],
  },
  {
    file: storage,
    may: ['../../ports/blobs.ts', '@sallyport/core/shared/ids'],
    mayNot: ['@sallyport/core/wire/tuf', '../../transport/x.ts'],
  },
  {
    file: 'packages/engine/src/compute/x.ts',
    may: ['../ports/compute.ts'],
    mayNot: ['../storage/files/x.ts'],
  },
  {
    file: transport,
    may: ['@sallyport/core/wire/tuf', '../../ports/clock.ts'],
    mayNot: ['../../storage/files/x.ts', '../../components/x/y.ts'],
  },
  {
    file: component,
    may: ['../../ports/blobs.ts', '../content/x.ts', '@sallyport/core/wire/tuf'],
    mayNot: ['../../storage/files/x.ts', '../../transport/x.ts', '../../cloud/x.ts'],
  },
  { file: executive, may: ['../ports/component.ts'], mayNot: ['../components/x/y.ts', '../compute/x.ts'] },
  {
    file: 'packages/engine/src/site/x.ts',
    may: ['../components/x/y.ts', '../executive/x.ts'],
    mayNot: ['../storage/files/x.ts', '../transport/x.ts', '../cloud/x.ts'],
  },
  {
    file: 'packages/engine/src/cloud/x.ts',
    may: ['../ports/blobs.ts'],
    mayNot: ['../transport/x.ts', '../components/x/y.ts'],
  },
  {
    file: 'packages/simulator/src/x.ts',
    may: ['@sallyport/engine/ports/clock', '@sallyport/engine/components/x/y'],
    mayNot: ['@sallyport/engine/transport/x', '@sallyport/engine/storage/files/x'],
  },
  {
    file: 'bench/src/x.ts',
    may: ['@sallyport/engine/transport/x', 'undici'],
    mayNot: ['@sallyport/simulator/x'],
  },
  {
    file: site,
    may: ['@sallyport/engine/storage/files/x', '@sallyport/engine/components/x/y', 'undici'],
    mayNot: ['@sallyport/simulator/x'],
  },
  {
    file: 'apps/sallyport/src/cloud/x.ts',
    may: ['@sallyport/engine/cloud/x', 'fastify'],
    mayNot: ['@sallyport/simulator/x'],
  },
  {
    file: tool,
    may: [
      '@sallyport/core/wire/tuf',
      '@sallyport/engine/storage/files/blobs',
      '@sallyport/engine/transport/exchange-https/client',
      '@sallyport/engine/transport/exchange-medium',
    ],
    mayNot: [
      '@sallyport/engine/storage/sqlite/x',
      '@sallyport/engine/transport/peer-tls/x',
      '@sallyport/engine/components/x/y',
    ],
  },
  {
    file: 'apps/sallyport/src/launcher/x.ts',
    may: ['node:fs'],
    mayNot: ['@sallyport/core/shared/ids', '../output/table.ts'],
  },
  {
    file: 'apps/sallyport/src/main.ts',
    may: ['./site/main.ts', '@sallyport/engine/ports/clock'],
    mayNot: ['@sallyport/engine/storage/files/x'],
  },
  {
    file: 'apps/console/src/x.ts',
    may: ['@sallyport/core/wire/api'],
    mayNot: ['@sallyport/engine/ports/clock'],
  },
];

describe('the table of rooms', () => {
  for (const { file, may, mayNot } of table) {
    it(`lets ${file} import ${may.join(', ')}`, () => {
      for (const specifier of may)
        assert.deepEqual(found(file, `import { a } from '${specifier}';\n`), [], specifier);
    });
    it(`keeps ${mayNot.join(', ')} from ${file}`, () => {
      for (const specifier of mayNot) {
        assert.deepEqual(found(file, `import type { a } from '${specifier}';\n`), ['1 imports'], specifier);
      }
    });
  }

  it('sees every way of naming a module', () => {
    const target = '../../storage/files/x.ts';
    for (const text of [
      `export * from '${target}';`,
      `export { a } from '${target}';`,
      `import '${target}';`,
      `const a = await import('${target}');`,
      `type A = import('${target}').A;`,
      `new Worker(new URL('${target}', import.meta.url));`,
    ]) {
      assert.deepEqual(found(component, `\n${text}\n`), ['2 imports'], text);
    }
    assert.deepEqual(found(component, `await import(name);`), ['1 imports']);
  });

  it('keeps packages from reaching into each other by a relative path', () => {
    assert.deepEqual(found(storage, `import { a } from '../../../../core/src/shared/ids.ts';`), [
      '1 imports',
    ]);
  });

  it('keeps test code from shipped code', () => {
    assert.deepEqual(found(component, `import { a } from './test-support/fake.ts';`), ['1 imports']);
  });

  it('finds a file that lies in no room', () => {
    assert.deepEqual(found('packages/engine/src/utils.ts', ''), ['1 room']);
  });

  it('finds a file that does not parse', () => {
    assert.deepEqual(found(domain, 'const a = 1;\nconst = 2;\n'), ['2 syntax']);
  });
});

describe('core', () => {
  it('imports neither Node nor any package but its own few', () => {
    for (const specifier of ['node:fs', 'node:crypto', 'kysely']) {
      assert.deepEqual(found(domain, `import * as a from '${specifier}';`), ['1 imports'], specifier);
    }
  });
});

describe('time and chance', () => {
  for (const [text, rule] of [
    ['Date.now();', 'clock'],
    ['const read = Date.now;', 'clock'],
    ['globalThis.Date.now();', 'clock'],
    [`Date['now']();`, 'clock'],
    ['new Date();', 'clock'],
    ['Date();', 'clock'],
    ['performance.now();', 'clock'],
    ['process.hrtime.bigint();', 'clock'],
    ['setTimeout(() => {}, 1);', 'clock'],
    ['const later = { setInterval };', 'clock'],
    ['AbortSignal.timeout(5);', 'clock'],
    ['Math.random();', 'chance'],
    ['(Math as unknown as Chance).random();', 'chance'],
    ['const { random: roll } = Math;', 'chance'],
    ['const { now } = Date;', 'clock'],
    ['const { now } = clock;', undefined],
    ['crypto.randomUUID();', 'chance'],
    ['new Date(0);', undefined],
    ['clock.setTimeout(1);', undefined],
    [`const label = 'Date.now()'; // Date.now()`, undefined],
    ['interface Timers { setTimeout(): void }', undefined],
    ['function f(setTimeout: () => void) { setTimeout(); }', undefined],
  ]) {
    it(`${rule === undefined ? 'lets through' : 'finds'} ${text}`, () => {
      const expected = rule === undefined ? [] : [`2 ${rule}`];
      for (const file of [domain, component, executive])
        assert.deepEqual(found(file, `\n${text}\n`), expected, file);
      assert.deepEqual(found(storage, `\n${text}\n`), [], 'adapters may');
    });
  }

  it('finds them when they come from a module', () => {
    assert.deepEqual(found(component, `import { setTimeout } from 'node:timers/promises';`), ['1 clock']);
    assert.deepEqual(found(component, `import { createHash, randomBytes } from 'node:crypto';`), [
      '1 chance',
    ]);
    assert.deepEqual(found(component, `import { randomUUID as id } from 'node:crypto';`), ['1 chance']);
    assert.deepEqual(found(component, `import * as crypto from 'node:crypto';`), ['1 chance']);
    assert.deepEqual(found(component, `import { createHash } from 'node:crypto';`), []);
  });
});

describe('sockets', () => {
  it('are opened by the transports and the composition roots only', () => {
    for (const specifier of [
      'undici',
      'fastify',
      'node:http',
      'node:https',
      'node:http2',
      'node:net',
      'node:tls',
      'node:dgram',
    ]) {
      const text = `import { a } from '${specifier}';`;
      for (const file of [component, executive, storage])
        assert.deepEqual(found(file, text), ['1 socket'], specifier);
      for (const file of [transport, site]) assert.deepEqual(found(file, text), [], specifier);
      assert.deepEqual(
        found(component, `import type { a } from '${specifier}';`),
        [],
        'a type opens nothing',
      );
    }
  });

  it('are found where fetch opens them', () => {
    for (const text of [
      `await fetch('https://x');`,
      'const get = fetch;',
      `globalThis.fetch('x');`,
      `new WebSocket('wss://x');`,
    ]) {
      assert.deepEqual(found(component, text), ['1 socket'], text);
      assert.deepEqual(found(transport, text), [], text);
    }
    assert.deepEqual(found(component, `await this.content.fetch('x'); const o = { fetch: 1 };`), []);
    assert.deepEqual(found(component, `const { fetch } = ports; await fetch('x');`), []);
  });
});

describe('files, processes and databases', () => {
  it('are kept from components and executive', () => {
    for (const specifier of [
      'node:fs',
      'node:fs/promises',
      'node:child_process',
      'node:worker_threads',
      'node:sqlite',
      'kysely',
    ]) {
      for (const file of [component, executive])
        assert.deepEqual(found(file, `import { a } from '${specifier}';`), ['1 host'], specifier);
      assert.deepEqual(found(storage, `import { a } from '${specifier}';`), [], specifier);
    }
  });
});

describe('length', () => {
  it('is 400 lines at most', () => {
    const lines = (/** @type {number} */ count) => 'export {};\n'.repeat(count);
    assert.deepEqual(found(domain, lines(400)), []);
    assert.deepEqual(found(domain, lines(401)), ['401 length']);
  });
});

describe('check-walls.mjs', () => {
  it('prints file, line, rule and remedy, and fails; tests may do anything', (t) => {
    const root = mkdtempSync(join(tmpdir(), 'sallyport-walls-'));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    const plant = (/** @type {string} */ path, /** @type {string} */ text) => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    const bad = `import { a } from '../../storage/files/a.ts';\nexport const b = Date.now() + a;\n`;
    plant(component.replace('x.ts', 'x.test.ts'), bad);
    plant('packages/engine/src/components/test-support/x.ts', bad);
    plant('packages/engine/node_modules/x/x.ts', bad);
    assert.deepEqual(checkWalls(root), []);
    const script = join(import.meta.dirname, 'check-walls.mjs');
    assert.equal(spawnSync(process.execPath, [script, root]).status, 0);

    plant(component, bad);
    const { status, stdout } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
    assert.equal(status, 1);
    assert.match(
      stdout,
      new RegExp(`^${component}:1: imports: components may not import storage .*\\n    remedy: `, 'm'),
    );
    assert.match(
      stdout,
      new RegExp(
        `^${component}:2: clock: components may not use Date\\.now\\n    remedy: take the Clock port`,
        'm',
      ),
    );
  });
});
