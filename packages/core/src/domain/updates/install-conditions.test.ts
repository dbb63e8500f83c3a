import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageGuid, productId } from '../../shared/ids.ts';
import { installConditions } from './install-conditions.ts';
import type { PackageDescriptor } from './package.ts';

const required = packageGuid('00000000-0000-4000-8000-000000000001');

function descriptor(more: Partial<PackageDescriptor>): PackageDescriptor {
  return {
    product: productId('compiler'),
    version: '5.9.2',
    appliesTo: {},
    requires: [],
    ...more,
  } as PackageDescriptor;
}

function verdict(
  more: Partial<PackageDescriptor>,
  version: string | undefined,
  installed = [required],
): string {
  const results = installConditions(
    descriptor(more),
    version === undefined ? undefined : { version, installed },
  );
  return results.map(({ id, status }) => `${id.replace('sallyport.', '')} ${status}`).join(', ');
}

test('a package installs over an older or equal version within its bounds, both included', () => {
  const appliesTo = { lowest: '5.8.0', highest: '5.9.2' };
  assert.equal(verdict({ appliesTo }, '5.8'), 'installs-over passed');
  assert.equal(verdict({ appliesTo }, '5.9.2'), 'installs-over passed');
  assert.equal(verdict({ appliesTo }, '5.7.9'), 'installs-over failed');
  assert.equal(verdict({ version: '6.0.0', appliesTo }, '5.9.3'), 'installs-over failed');
  assert.equal(verdict({}, '5.10.0'), 'installs-over failed');
});

test('a site without the product, or with a version that is none, cannot install it', () => {
  assert.equal(verdict({}, undefined), 'installs-over failed');
  assert.equal(verdict({}, 'latest'), 'installs-over failed');
});

test('required packages must be installed at the site itself', () => {
  assert.equal(verdict({ requires: [required] }, '5.8.0'), 'installs-over passed, requires passed');
  assert.equal(verdict({ requires: [required] }, '5.8.0', []), 'installs-over passed, requires failed');
});
