import type { UpdateEvent, UpdateEventName } from '../updates/event.ts';

/** From the event that began something with a package to the one that ended it. */
interface EventSpan {
  readonly end: UpdateEvent;
  readonly ms: number;
}

/**
 * What began and ended among one site's events, in their order: for each end the last beginning of the same package. An end
 * whose beginning is not there is left out, and a span over which the clock was set back.
 */
export function spansOf(
  events: readonly UpdateEvent[],
  begins: UpdateEventName,
  ends: readonly UpdateEventName[],
): readonly EventSpan[] {
  const open = new Map<string, UpdateEvent>();
  const spans: EventSpan[] = [];
  for (const event of events) {
    if (event.event === begins) open.set(event.guid, event);
    if (!ends.includes(event.event)) continue;
    const begun = open.get(event.guid);
    open.delete(event.guid);
    if (begun !== undefined && event.at >= begun.at) spans.push({ end: event, ms: event.at - begun.at });
  }
  return spans;
}
