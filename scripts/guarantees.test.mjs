import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const page = readFileSync(join(root, 'docs', 'guarantees.md'), 'utf8');

/** `path/of/the.test.ts`: “a part of the test's name”, several of them divided by semicolons. */
const citation = /`([\w./-]+\.test\.ts)`(?:: ((?:“[^”]+”(?:, )?)+))?/g;

describe('docs/guarantees.md', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| ') && !/^\| (Promise|-)/.test(line));

  it('has a test for each promise', () => {
    assert.ok(rows.length > 50, `${rows.length} promises were found`);
    const bare = rows.filter((row) => !row.includes('.test.ts`'));
    assert.deepEqual(bare, []);
  });

  it('names tests that are there', () => {
    /** @type {string[]} */
    const missing = [];
    for (const [, file = '', names = ''] of page.matchAll(citation)) {
      if (!existsSync(join(root, file))) {
        missing.push(file);
        continue;
      }
      const source = readFileSync(join(root, file), 'utf8').replaceAll(/\s+/g, ' ');
      for (const [, name = ''] of names.matchAll(/“([^”]+)”/g)) {
        const isThere = name.split('…').every((part) => source.includes(part.trim()));
        if (!isThere) missing.push(`${file}: ${name}`);
      }
    }
    assert.deepEqual(missing, []);
  });
});
