import type { TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import type { ProductId } from '@sallyport/core/shared/ids';
import type { HierarchySummary } from '@sallyport/engine/ports/cloud-database';
import type { OuterWorld } from '../site/programs.ts';
import type { SimSite } from '../site/sim-site.ts';
import type { SimPackage } from '../vendor/sim-package.ts';

/** Orders that an administrator was told were given, and that the top-tier site does not have any more. */
export function orderProblems(top: SimSite, acknowledged: ReadonlySet<number>): readonly string[] {
  const held = new Set(
    top.disk.read(({ records }) => records.list({ kind: 'order' })).map(({ key }) => Number(key)),
  );
  return [...acknowledged]
    .filter((sequence) => !held.has(sequence))
    .map((sequence) => `order ${sequence} was acknowledged, and ${top.code} has lost it`);
}

/** What the vendor has accepted last, where it is not what the sites run. */
export function factsProblems(
  hierarchies: readonly HierarchySummary[],
  sites: readonly SimSite[],
  product: ProductId,
): readonly string[] {
  const [hierarchy, ...others] = hierarchies;
  if (hierarchy?.facts === undefined || others.length > 0) {
    return [`the vendor knows ${hierarchies.length} hierarchies, or no facts of theirs`];
  }
  const facts = JSON.parse(new TextDecoder().decode(hierarchy.facts.payload)) as TargetingFacts;
  const told = counted(
    (facts.products.find((each) => each.product === product)?.versions ?? []).map(
      ({ version, sites: count }) => [version, count],
    ),
  );
  const running = counted(sites.map((site) => [site.disk.currentRelease(product)?.version ?? 'none', 1]));
  return told === running ? [] : [`the vendor was told of ${told}, and the sites run ${running}`];
}

function counted(pairs: readonly (readonly [string, number])[]): string {
  const counts = new Map<string, number>();
  for (const [version, count] of pairs) counts.set(version, (counts.get(version) ?? 0) + count);
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([version, count]) => `${count}× ${version}`)
    .join(', ');
}

/** Hooks whose work was done once more than it may be, or stands though the install was taken back, or is missing though it succeeded. */
export function hookProblems(
  site: SimSite,
  train: readonly SimPackage[],
  world: OuterWorld,
): readonly string[] {
  const own = site.disk.read(({ updates }) => updates.projections({ site: site.code }));
  return train.flatMap(({ guid, version, hooks = [] }) => {
    const projection = own.find((each) => each.guid === guid);
    const isInstalled = projection?.state === 'INSTALL_SUCCESS' && projection.stepsDone.length > 0;
    return hooks.flatMap(({ id, undo, probe }) => {
      const again = world
        .repeats(site.code, guid, id)
        .filter(({ isExcused }) => probe === true || !isExcused);
      if (again.length > 0) {
        return [
          `hook ${id} of ${version} did work again that stood at ${site.code}, ${
            probe === true ? 'though its probe says so' : 'though its process had not ended'
          }: step ${again.map(({ step }) => step).join(', ')}`,
        ];
      }
      const standing = world.standing(site.code, guid, id).size;
      const what = `the work of hook ${id} of ${version} stands ${standing} times at ${site.code}`;
      if (isInstalled && standing === 0) return [`${what}, and ${version} is installed`];
      if (undo !== true) return [];
      if (standing > 1) return [what];
      return projection?.state === 'INSTALL_FAILED' && standing > 0
        ? [`${what}, and its install was taken back`]
        : [];
    });
  });
}
