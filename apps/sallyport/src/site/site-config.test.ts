import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ConfigError, parseSiteConfig, readSiteConfig } from './site-config.ts';

const valid = {
  schema: 1,
  code: 'CAS',
  type: 'central',
  hierarchyId: 'a'.repeat(64),
  link: { host: '127.0.0.1', port: 8531 },
  vendor: { url: 'http://127.0.0.1:8080', exchange: 'cloud' },
  products: ['typescript'],
  ring: 'general',
  checkIntervalMs: 86_400_000,
};

test('reads what set-up writes', () => {
  assert.deepEqual(parseSiteConfig(JSON.stringify(valid), 'site.json'), valid);
});

test('names every field that is wrong at once', () => {
  const broken = JSON.stringify({ ...valid, code: 'cas!', link: { host: '', port: 70_000 }, surprise: true });
  assert.throws(
    () => parseSiteConfig(broken, 'site.json'),
    (error: ConfigError) =>
      error.code === 'INVALID' &&
      ['/code', '/link/host', '/link/port'].every((path) => error.message.includes(path)),
  );
});

test('says how to make a site where there is none', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  assert.throws(
    () => readSiteConfig(folder),
    (error: ConfigError) => error.code === 'NO_SITE' && error.message.includes('sallyport site setup'),
  );
  writeFileSync(join(folder, 'site.json'), '{');
  assert.throws(() => readSiteConfig(folder), { code: 'INVALID' });
});
