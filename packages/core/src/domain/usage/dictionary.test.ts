import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { dictionaryText } from './dictionary.ts';
import { usageItems } from './registry.ts';

test('docs/usage-data.md is what the registry says', async () => {
  const written = await readFile(new URL('../../../../../docs/usage-data.md', import.meta.url), 'utf8');
  assert.ok(
    written === dictionaryText(usageItems),
    'docs/usage-data.md is not up to date: node scripts/run.mjs exec scripts/usage-dictionary.mjs',
  );
});

test('names every item with every column, its level and who tells it', () => {
  const text = dictionaryText(usageItems);
  for (const { id, level, columns, scope } of usageItems) {
    const part = text.slice(text.indexOf(`### \`${id}\``)).split('\n###', 2)[0] ?? '';
    assert.ok(
      part.includes(`Level ${level}, told ${scope === 'site' ? 'by each site' : 'for the hierarchy'}.`),
      id,
    );
    for (const { name, identifies, unit } of columns) {
      const line = part.split('\n').find((each) => each.startsWith(`| \`${name}\``));
      assert.ok(line !== undefined, `${id} ${name}`);
      assert.equal(line.includes('hashed'), identifies === true, `${id} ${name}`);
      if (unit !== undefined) assert.ok(line.includes(`, ${unit}`), `${id} ${name}`);
    }
  }
});
