import { packageGuid, type ProductId } from '@sallyport/core/shared/ids';
import type { Random } from '@sallyport/engine/ports/random';
import type { SimHook, SimPackage, SimPrerequisite } from './sim-package.ts';

export interface ReleaseTrainOptions {
  readonly product: ProductId;
  /** Packages, the baseline included. */
  readonly count: number;
  /** Major version to begin with; 1 when not given. */
  readonly major?: number;
}

/**
 * A plausible history of a product, in the order in which it is published: a baseline, then version updates, and
 * hotfixes that mend the version before them. Every update applies to every version before it.
 */
export function releaseTrain(random: Random, options: ReleaseTrainOptions): readonly SimPackage[] {
  const { product, count } = options;
  let [major, minor, patch] = [options.major ?? 1, 0, 0];
  let latest: SimPackage = {
    guid: packageGuid(random.uuid()),
    product,
    kind: 'baseline',
    version: `${major}.0.0`,
  };
  const train = [latest];
  while (train.length < count) {
    const guid = packageGuid(random.uuid());
    if (latest.kind !== 'baseline' && random.fraction() < 0.3) {
      patch += 1;
      const { version } = latest;
      train.push({
        guid,
        product,
        kind: 'hotfix',
        version: `${major}.${minor}.${patch}`,
        requires: [latest.guid],
        // Also to what another hotfix of that version has made of it.
        appliesTo: { lowest: version, highest: `${major}.${minor}.999` },
        ...furnishings(random),
      });
    } else {
      if (random.fraction() < 0.15) [major, minor] = [major + 1, 0];
      else minor += 1;
      patch = 0;
      latest = {
        guid,
        product,
        kind: 'version-update',
        version: `${major}.${minor}.0`,
        ...furnishings(random),
      };
      train.push(latest);
    }
  }
  return train;
}

/** What some packages have and others have not. */
function furnishings(random: Random): Pick<SimPackage, 'healthCheck' | 'hooks' | 'prerequisites'> {
  const chance = (share: number): boolean => random.fraction() < share;
  const hooks: SimHook[] = [];
  if (chance(0.4)) hooks.push({ id: 'drain', phase: 'before-switch', probe: chance(0.5), undo: chance(0.7) });
  if (chance(0.4))
    hooks.push({ id: 'migrate', phase: 'after-switch', probe: chance(0.5), undo: chance(0.5) });
  const prerequisites: SimPrerequisite[] = [];
  if (chance(0.3)) prerequisites.push({ id: 'licence', severity: 'error', check: { kind: 'command' } });
  if (chance(0.3)) prerequisites.push({ id: 'backup', severity: 'warning', check: { kind: 'command' } });
  if (chance(0.2)) {
    prerequisites.push({ id: 'room', severity: 'error', check: { kind: 'free-disk', sizeBytes: 1_000_000 } });
  }
  return { hooks, prerequisites, healthCheck: chance(0.8) };
}
