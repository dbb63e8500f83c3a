import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import type { Digest } from '@sallyport/core/shared/ids';
import { digest } from '@sallyport/core/shared/ids';
import { propertyRuns } from '@sallyport/core/shared/test-support/property';
import fc from 'fast-check';
import { dealOut } from './parts.ts';

const blobs = fc
  .uniqueArray(fc.tuple(fc.nat(1_000_000), fc.integer({ min: 1, max: 400 })), {
    selector: ([name]) => name,
    maxLength: 60,
  })
  .map((list) =>
    list.map(([name, sizeBytes]) => ({ sha256: digest(name.toString(16).padStart(64, '0')), sizeBytes })),
  );

test('each blob lies on one part, and no part is larger than it may be', () => {
  fc.assert(
    fc.property(blobs, fc.integer({ min: 500, max: 2000 }), (all, maxBytes) => {
      const parts = dealOut(all, [], { maxBytes, overheadBytes: 100 });
      assert.deepEqual(
        parts
          .flat()
          .map(({ sha256 }) => sha256)
          .toSorted(),
        all.map(({ sha256 }) => sha256).toSorted(),
      );
      for (const part of parts)
        assert.ok(part.reduce((sum, { sizeBytes }) => sum + sizeBytes, 100) <= maxBytes);
    }),
    propertyRuns(200),
  );
});

test('what a part has already stays there', () => {
  fc.assert(
    fc.property(
      blobs,
      fc.integer({ min: 500, max: 2000 }),
      fc.integer({ min: 1, max: 9 }),
      (all, maxBytes, cut) => {
        const limits = { maxBytes, overheadBytes: 100 };
        const before = dealOut(
          all.filter((_, at) => at % cut !== 0),
          [],
          limits,
        );
        const held = before.map((part) => new Set<Digest>(part.map(({ sha256 }) => sha256)));
        const after = dealOut(all, held, limits);
        for (const [at, there] of held.entries())
          for (const sha256 of there) assert.ok(after[at]?.some((blob) => blob.sha256 === sha256));
        assert.equal(after.flat().length, all.length);
      },
    ),
    propertyRuns(200),
  );
});

test('without a limit there is one part; a blob that fits on none is told', () => {
  const blob = { sha256: digest('0'.repeat(64)), sizeBytes: 1000 };
  assert.deepEqual(dealOut([blob], [], { maxBytes: undefined, overheadBytes: 1e9 }), [[blob]]);
  assert.throws(
    () => dealOut([blob], [], { maxBytes: 1050, overheadBytes: 100 }),
    (error) => error instanceof MediumError && error.code === 'FULL',
  );
});
