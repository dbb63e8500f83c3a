import { seconds } from '@sallyport/core/shared/units';
import type { ProgramPlan } from '../site/programs.ts';
import type { Chance } from '../world/chance.ts';
import type { Mishap } from '../world/tally.ts';
import type { Plan } from './plan.ts';

/** Programs of packages that fail as often as a plan says, and then work. */
export function plannedPrograms(plan: Plan, chance: Chance, count: (what: Mishap) => void): ProgramPlan {
  const failed = new Map<string, number>();
  return {
    fails: (site, { kind, guid, id = '' }) => {
      const key = `${site} ${kind} ${guid} ${id}`;
      const before = failed.get(key) ?? 0;
      if (before >= (plan.failures.get(key) ?? 0)) return false;
      failed.set(key, before + 1);
      count('programs failed');
      return true;
    },
    tookMs: () => chance.anyMagnitude(100, seconds(90)),
  };
}
