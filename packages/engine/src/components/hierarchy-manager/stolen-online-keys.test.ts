import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Catalogue } from '@sallyport/core/domain/updates/package';
import type { PackageGuid } from '@sallyport/core/shared/ids';
import { propertyRuns, propertyTimeoutMs } from '@sallyport/core/shared/test-support/property';
import fc from 'fast-check';
import { anyAct, evil, Theft } from './test-support/stolen-keys.ts';
import { TestHierarchy } from './test-support/test-hierarchy.ts';
import { guidOf, guids, product } from './test-support/test-vendor.ts';

/** What stands in the vendor's catalogue, each with something that may keep it from a site. */
const packages = fc.record({
  ring: fc.constantFrom('general', 'general', 'general', 'early'),
  requires: fc.constantFrom([], [], [guids.base], [guids.other]),
  os: fc.constantFrom('linux', 'linux', 'linux', 'win32'),
  version: fc.constantFrom('2.0.0', '2.0.0', '2.0.0', '1.0.0', '0.9.0'),
});

/** What a package of the vendor's is like, apart from its number. */
interface Made {
  readonly ring: string;
  readonly requires: readonly PackageGuid[];
  readonly os: string;
  readonly version: string;
}

/**
 * What the offline keys and the site's own facts allow, whatever is rolled out and offered: said here once more, in
 * other words. The site runs 1.0.0 on Linux, in no ring.
 */
function allowed(made: readonly Made[], catalogue: Catalogue): ReadonlySet<PackageGuid> {
  const fits = made.flatMap(({ ring, requires, os, version }, index) =>
    ring === 'general' && os === 'linux' && version === '2.0.0' && !requires.includes(guids.other)
      ? [guidOf(index + 2)]
      : [],
  );
  const stands = catalogue.packages.flatMap(({ guid, withdrawn }) => (withdrawn === undefined ? [guid] : []));
  return new Set(fits).intersection(new Set(stands));
}

function isAvailable(verdict: string | undefined): boolean {
  return verdict === 'available' || verdict === 'superseded';
}

test(
  'whatever stolen online keys sign: available ⊆ offline-signed ∩ applicable',
  { timeout: propertyTimeoutMs },
  async (t) => {
    let availableOnce = 0;
    let withheld = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(packages, packages, packages),
        fc.array(anyAct, { minLength: 1, maxLength: 7 }),
        async (made, history) => {
          const hierarchy = await TestHierarchy.start(t);
          try {
            const { vendor, top } = hierarchy;
            for (const [index, { os, ...rest }] of made.entries()) {
              const { version, ...more } = rest;
              await vendor.add(guidOf(index + 2), version, {
                ...more,
                applicability: { fact: 'platform.os', is: os },
              });
            }
            const theft = new Theft(hierarchy);
            theft.sign();
            await top.operations.check();
            let newest = 0;
            for (const next of history) {
              theft.do(next);
              await top.operations.check();
              await hierarchy.settle();
              const held = (await top.documents.view()).products.get(product)?.catalogue ?? assert.fail();
              const at = theft.signed.findLastIndex((one) => isDeepStrictEqual(one, held));
              assert.ok(
                at >= newest,
                `catalogue ${String(at)} is held after ${String(newest)}: ${next.kind}`,
              );
              newest = at;
              const may = allowed(made, held);
              const { packages: all } = await top.operations.list({ all: true });
              for (const { guid, verdict, state } of all) {
                assert.notEqual(guid, evil);
                if (isAvailable(verdict)) assert.ok(may.has(guid), `${guid} is available after ${next.kind}`);
                assert.ok(
                  may.has(guid) || !['DOWNLOAD_IN_PROGRESS'].includes(state ?? ''),
                  `${guid} ${state}`,
                );
                if (isAvailable(verdict)) availableOnce += 1;
                else if (may.has(guid)) withheld += 1;
              }
            }
          } finally {
            await hierarchy.stop();
          }
        },
      ),
      propertyRuns(15),
    );
    assert.ok(availableOnce > 0 && withheld > 0, 'something was available, and something was withheld');
  },
);
