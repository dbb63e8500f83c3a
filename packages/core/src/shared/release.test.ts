import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { sallyportVersion } from './release.ts';

test('is the version that the manifests say', async () => {
  for (const manifest of ['../../package.json', '../../../../package.json']) {
    const text = await readFile(new URL(manifest, import.meta.url), 'utf8');
    assert.equal((JSON.parse(text) as { readonly version: string }).version, sallyportVersion, manifest);
  }
});
