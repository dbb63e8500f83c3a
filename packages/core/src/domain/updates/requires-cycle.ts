import type { PackageGuid } from '../../shared/ids.ts';

/**
 * A circle in what packages require, as the chain that leads back to its first member: none of them could ever be
 * installed. Undefined when there is none. Requirements outside `packages` are not followed.
 */
export function findRequiresCycle(
  packages: readonly { readonly guid: PackageGuid; readonly requires: readonly PackageGuid[] }[],
): readonly PackageGuid[] | undefined {
  const requires = new Map(packages.map((item) => [item.guid, item.requires]));
  const done = new Set<PackageGuid>();
  for (const { guid } of packages) {
    const chain: { readonly guid: PackageGuid; next: number }[] = [{ guid, next: 0 }];
    const onChain = new Set([guid]);
    for (let top = chain.at(-1); top !== undefined; top = chain.at(-1)) {
      const required = done.has(top.guid) ? undefined : requires.get(top.guid)?.[top.next];
      top.next += 1;
      if (required === undefined) {
        done.add(top.guid);
        onChain.delete(top.guid);
        chain.pop();
      } else if (onChain.has(required)) {
        const names = chain.map((link) => link.guid);
        return [...names.slice(names.indexOf(required)), required];
      } else {
        chain.push({ guid: required, next: 0 });
        onChain.add(required);
      }
    }
  }
  return undefined;
}
