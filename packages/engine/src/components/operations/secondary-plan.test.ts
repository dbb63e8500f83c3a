import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { guidOf } from '../hierarchy-manager/test-support/test-vendor.ts';
import { secondaryPlan } from './secondary-plan.ts';

const [base, one, two, fix] = [guidOf(1), guidOf(2), guidOf(3), guidOf(4)];

function plan(
  more: Readonly<Record<string, Partial<PackageDescriptor>>> = {},
  secondary = { version: '1.0.0', installed: [base] },
): readonly string[] {
  const kinds = { [one]: 'version-update', [two]: 'version-update', [fix]: 'hotfix' } as const;
  const versions = { [one]: '2.0.0', [two]: '3.0.0', [fix]: '3.0.1' };
  const descriptors = new Map(
    [one, two, fix].map((guid) => [
      guid,
      {
        guid,
        kind: kinds[guid],
        version: versions[guid],
        appliesTo: {},
        requires: [],
        ...more[guid],
      } as unknown as PackageDescriptor,
    ]),
  );
  const parent = { version: '3.0.1', installed: [base, one, two, fix] };
  return secondaryPlan(parent, secondary, descriptors).map(({ guid }) => guid);
}

test('version updates are cumulative: it begins with the newest that installs over what is there', () => {
  assert.deepEqual(plan(), [two, fix]);
});

test('an update that needs the one before is preceded by it', () => {
  assert.deepEqual(plan({ [two]: { appliesTo: { lowest: '2.0.0' } } }), [one, two, fix]);
  assert.deepEqual(plan({ [two]: { requires: [one] } }), [one, two, fix]);
  assert.deepEqual(plan({ [fix]: { requires: [one] } }), [one, two, fix]);
});

test('what a newer version has passed over is not asked for again', () => {
  assert.deepEqual(plan({}, { version: '3.0.1', installed: [base, two, fix] }), []);
  assert.deepEqual(plan({}, { version: '3.0.0', installed: [base, two] }), [fix]);
});

test('what is there already is left out, and a baseline is never part of it', () => {
  assert.deepEqual(plan({}, { version: '3.0.0', installed: [base, one, two] }), [fix]);
  assert.deepEqual(plan({}, { version: '3.0.1', installed: [base, one, two, fix] }), []);
  assert.deepEqual(plan({ [fix]: { kind: 'baseline' } }), [two]);
});
