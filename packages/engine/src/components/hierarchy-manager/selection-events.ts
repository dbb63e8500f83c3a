import type { UpdateEventName, UpdateProjection, UpdateState } from '@sallyport/core/domain/updates/event';
import { applicabilityEvent } from '@sallyport/core/domain/updates/selection';
import type { ReasonCode, SelectionResult } from '@sallyport/core/domain/updates/selection-reason';
import { allowedEvents } from '@sallyport/core/domain/updates/state';
import { isOnlyEvaluated, isUnderWay } from './package-states.ts';

/** An event that a selection gives rise to. */
export interface SelectionEvent {
  readonly event: UpdateEventName;
  readonly reason: string;
}

const targets: Readonly<Record<ReturnType<typeof applicabilityEvent>['event'], UpdateState>> = {
  applicable: 'APPLICABILITY_SUCCESS',
  'not-applicable': 'APPLICABILITY_NA',
  hidden: 'APPLICABILITY_HIDE',
  'applicability-failed': 'APPLICABILITY_FAILED',
};

/** These do not pass: content that is here already will not be used. */
const lasting: ReadonlySet<ReasonCode> = new Set<ReasonCode>([
  'NOT_NEWER',
  'SUPERSEDED_BY_INSTALLED',
  'VERSION_TOO_HIGH',
  'WITHDRAWN',
]);

/**
 * What a package's state machine is told of a selection's result; undefined when it has nothing new to hear.
 *
 * Before anything was downloaded every change counts. After that only what will not pass: a hold or an expired
 * offer keeps new installs from starting, and takes nothing back. Work under way stops for a withdrawal alone.
 */
export function selectionEvent(
  result: SelectionResult,
  own: UpdateProjection | undefined,
): SelectionEvent | undefined {
  const state = own?.state ?? 'UNKNOWN';
  const said = saidOf(result, own);
  if (said === undefined || (own === undefined && isOnlyNotOffered(result))) return undefined;
  if (isOnlyEvaluated(state)) {
    const same = state === targets[said.event] && (own?.reason === said.reason || wasCancelled(own));
    return same ? undefined : said;
  }
  const codes = result.reasons.map(({ code }) => code);
  const decisive = isUnderWay(state) ? codes.includes('WITHDRAWN') : codes.some((code) => lasting.has(code));
  if (!decisive || state === 'INSTALL_SUCCESS' || !allowedEvents(state).includes(said.event))
    return undefined;
  return said;
}

/** A new package comes before the offer that names it: until then there is nothing to tell. */
function isOnlyNotOffered({ verdict, reasons }: SelectionResult): boolean {
  return verdict === 'not-available' && reasons.every(({ source }) => source === 'offer');
}

/** Whether an administrator stopped its download: then it waits until one asks for it again. */
export function wasCancelled(own: UpdateProjection | undefined): boolean {
  return typeof own?.data['cancelledBy'] === 'string';
}

function saidOf(
  result: SelectionResult,
  own: UpdateProjection | undefined,
): ReturnType<typeof applicabilityEvent> | undefined {
  if (result.verdict !== 'installed') return applicabilityEvent(result);
  // Installed another way, from a baseline: what is known of it otherwise is settled.
  return own === undefined ? undefined : { event: 'hidden', reason: 'It is installed.' };
}
