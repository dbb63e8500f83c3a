import type { EpochMs, PackageGuid, SiteCode } from '../../shared/ids.ts';
import type { UpdateEvent, UpdateEventName, UpdateProjection, UpdateState } from './event.ts';
import { reasonOf } from './state-reasons.ts';
import { type Target, targetOf, updateEventNames } from './state-transitions.ts';
import { UpdateError } from './update-error.ts';

/** The checkpoints of an install, in order: `step-finished` names one of them. */
export const installSteps = [
  'stage-release',
  'backup-database',
  'before-switch-hooks',
  'switch',
  'after-switch-hooks',
  'health-check',
] as const;

export type InstallStep = (typeof installSteps)[number];

/**
 * The projection after one more event. This is the only place that decides what may follow what.
 *
 * Sequences rise by one from 1. `attempt` is 0 until the first order; `ordered` raises it, and every other event
 * carries the one that holds, so that work begun for an earlier order cannot speak for a later one.
 *
 * @throws {UpdateError} SEQUENCE_CONFLICT, ILLEGAL_TRANSITION, INVALID_EVENT
 */
export function foldEvent(before: UpdateProjection | undefined, event: UpdateEvent): UpdateProjection {
  checkIdentity(before, event);
  const state = before?.state ?? 'UNKNOWN';
  const target = targetOf(state, event.event);
  if (target === undefined || (event.event === 'cancelled' && before !== undefined && !canCancel(before))) {
    throw illegal(event, state, before);
  }
  const contentHeld = heldAfter(before?.contentHeld ?? false, event);
  const next = resolve(target, state, contentHeld);
  const nextAt = event.data['nextAt'];
  return {
    guid: event.guid,
    site: event.site,
    attempt: event.attempt,
    sequence: event.sequence,
    state: next,
    since:
      before !== undefined && next === before.state && event.attempt === before.attempt
        ? before.since
        : event.at,
    reason: reasonOf(event),
    ...(typeof nextAt === 'number' && Number.isFinite(nextAt) ? { nextAt } : {}),
    stepsDone: stepsAfter(before?.stepsDone ?? [], event),
    contentHeld,
    data: event.data,
  };
}

/**
 * The projection of a whole log, oldest event first; undefined for an empty one.
 *
 * @throws {UpdateError} as `foldEvent`
 */
export function refold(events: Iterable<UpdateEvent>): UpdateProjection | undefined {
  let projection: UpdateProjection | undefined;
  for (const event of events) {
    projection = foldEvent(projection, event);
  }
  return projection;
}

/** The event that comes next, with its sequence and attempt filled in. `attempt` is needed for `ordered` only. */
export function nextEvent(
  before: UpdateProjection | undefined,
  what: {
    readonly guid: PackageGuid;
    readonly site: SiteCode;
    readonly event: UpdateEventName;
    readonly at: EpochMs;
    readonly data?: Readonly<Record<string, unknown>>;
    readonly attempt?: number;
  },
): UpdateEvent {
  return {
    guid: what.guid,
    site: what.site,
    attempt: what.attempt ?? before?.attempt ?? 0,
    sequence: (before?.sequence ?? 0) + 1,
    event: what.event,
    at: what.at,
    data: what.data ?? {},
  };
}

/** Events that can happen in a state. `cancelled` is subject to `canCancel` as well. */
export function allowedEvents(state: UpdateState): readonly UpdateEventName[] {
  return updateEventNames.filter((event) => targetOf(state, event) !== undefined);
}

/** Nothing leads out of the state. Every other one has a way out: retry, cancel, reset or a new evaluation. */
export function isTerminal(state: UpdateState): boolean {
  return allowedEvents(state).length === 0;
}

/** Whether `cancelled` can happen: under order or downloading, and until the switch begins. */
export function canCancel(projection: UpdateProjection): boolean {
  return targetOf(projection.state, 'cancelled') !== undefined && !switchMayHaveBegun(projection);
}

/**
 * Whether the pointer to the release may have been moved in this attempt. The switch follows the
 * `before-switch-hooks` checkpoint directly, so from that one on nobody can tell without looking at the disk.
 */
export function switchMayHaveBegun(projection: UpdateProjection): boolean {
  return projection.state === 'INSTALL_IN_PROGRESS' && projection.stepsDone.includes('before-switch-hooks');
}

function checkIdentity(before: UpdateProjection | undefined, event: UpdateEvent): void {
  if (before !== undefined && (before.guid !== event.guid || before.site !== event.site)) {
    throw new UpdateError(
      'INVALID_EVENT',
      `an event of package ${event.guid} at ${event.site} cannot follow one of ${before.guid} at ${before.site}`,
      { guid: event.guid, site: event.site },
    );
  }
  const expected = (before?.sequence ?? 0) + 1;
  if (event.sequence !== expected) {
    throw new UpdateError(
      'SEQUENCE_CONFLICT',
      `event ${event.sequence} (${event.event}) of package ${event.guid} at ${event.site} is out of turn: ` +
        `${expected} is next; read the state again and decide anew`,
      { guid: event.guid, site: event.site, sequence: event.sequence, expected },
    );
  }
  const attempt = before?.attempt ?? 0;
  if (event.event === 'ordered' ? event.attempt <= attempt : event.attempt !== attempt) {
    throw new UpdateError(
      'SEQUENCE_CONFLICT',
      `${event.event} of package ${event.guid} at ${event.site} belongs to attempt ${event.attempt}, ` +
        `but attempt ${attempt} is under way: it has been overtaken by a newer order`,
      { guid: event.guid, site: event.site, attempt: event.attempt, current: attempt },
    );
  }
}

function illegal(event: UpdateEvent, state: UpdateState, before: UpdateProjection | undefined): UpdateError {
  const because =
    event.event === 'cancelled' && before !== undefined && switchMayHaveBegun(before)
      ? ', because the switch to the new release has begun: wait for the end'
      : '';
  return new UpdateError(
    'ILLEGAL_TRANSITION',
    `${event.event} cannot happen to package ${event.guid} at ${event.site} in state ${state}${because}`,
    { guid: event.guid, site: event.site, state, event: event.event },
  );
}

function heldAfter(held: boolean, event: UpdateEvent): boolean {
  switch (event.event) {
    case 'download-succeeded':
    case 'replication-succeeded':
      return true;
    case 'download-started':
    case 'replication-failed':
    // What is not offered any more may be collected.
    case 'hidden':
    case 'not-applicable':
      return false;
    case 'reset':
      return held && event.data['contentDeleted'] !== true;
    default:
      return held;
  }
}

function resolve(target: Target, state: UpdateState, contentHeld: boolean): UpdateState {
  if (target !== 'rest') {
    return target;
  }
  // Whoever downloads has found the package applicable before.
  return state === 'DOWNLOAD_IN_PROGRESS'
    ? 'APPLICABILITY_SUCCESS'
    : contentHeld
      ? 'DOWNLOAD_SUCCESS'
      : 'UNKNOWN';
}

const beginsAnew: ReadonlySet<UpdateEventName> = new Set([
  'ordered',
  'install-started',
  'cancelled',
  'hidden',
  'reset',
]);

function stepsAfter(done: readonly string[], event: UpdateEvent): readonly string[] {
  if (beginsAnew.has(event.event)) {
    return [];
  }
  if (event.event !== 'step-finished') {
    return done;
  }
  const step = event.data['step'];
  if (typeof step !== 'string' || step === '') {
    throw new UpdateError(
      'INVALID_EVENT',
      `step-finished of package ${event.guid} at ${event.site} names no step`,
      {
        guid: event.guid,
        site: event.site,
      },
    );
  }
  // A step repeated after a crash is finished once.
  return done.includes(step) ? done : [...done, step];
}
