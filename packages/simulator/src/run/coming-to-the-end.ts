import { messageOf } from '@sallyport/core/shared/errors';
import type { ProductId } from '@sallyport/core/shared/ids';
import { days, hours } from '@sallyport/core/shared/units';
import { notYet } from '../properties/end-state.ts';
import type { SimSite } from '../site/sim-site.ts';
import type { Story } from '../world/story.ts';
import type { Timeline } from '../world/timeline.ts';
import type { Plan } from './plan.ts';

/** Lets time pass until every site runs the newest package, and until that has got around; or fails. */
export async function comeToTheEnd(run: {
  readonly plan: Plan;
  readonly target: { readonly product: ProductId; readonly guid: string };
  readonly timeline: Timeline;
  readonly story: Story;
  readonly top: SimSite;
  /** Sites that were not shut out. */
  readonly members: () => readonly SimSite[];
  /** Told when all have come to it: nobody is to ask for anything any more. */
  readonly onEnd: () => void;
  /** Whether the run has failed. */
  readonly isOver: () => boolean;
  readonly fail: (problem: string) => void;
}): Promise<void> {
  const { plan, target, timeline, story, top, members, onEnd, isOver, fail } = run;
  const { startsAt, patienceMs, revocation } = plan;
  const look = (): readonly string[] => [
    ...notYet(members(), target),
    ...(revocation !== undefined && members().some(({ code }) => code === revocation.site)
      ? [`${revocation.site} is not shut out`]
      : []),
  ];
  const anHour = (): Promise<void> => timeline.run(timeline.now() + hours(1), isOver);
  let open = look();
  while (open.length > 0 && !isOver() && timeline.now() < startsAt + patienceMs) {
    await anHour();
    open = look();
  }
  if (open.length > 0) {
    fail(`${Math.round((timeline.now() - startsAt) / days(1))} days after the beginning: ${open.join('; ')}`);
    return;
  }
  story.tell('world', 'every site runs the newest package');
  onEnd();
  // What was written last has to get around, to the vendor too.
  await anHour();
  const asked = top.process?.operations.check();
  void asked?.catch((error: unknown) => fail(`the last check failed: ${messageOf(error)}`));
  await anHour();
}
