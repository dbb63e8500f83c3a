import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readPointer } from '@sallyport/engine/storage/files/release-pointer';

/**
 * What must hold at every moment, also between two lives, when nobody is there to mend it: a program that reads which
 * release is in force finds one, and it is there.
 */
export async function assertReleaseStands(data: string): Promise<void> {
  const product = join(data, 'products', 'hello');
  const current = await readPointer(join(product, 'current.json'));
  assert.ok(current !== undefined, `no release is in force in ${product}`);
  const release = await stat(join(product, 'releases', current.folder));
  assert.ok(release.isDirectory(), `${current.folder} in ${product} is no folder`);
}
