import type { UpdateState } from '@sallyport/core/domain/updates/event';

const underWay: ReadonlySet<UpdateState> = new Set([
  'ENABLED',
  'CONTENT_REPLICATING',
  'CONTENT_REPLICATION_SUCCESS',
  'CONTENT_REPLICATION_FAILED',
  'PREREQ_IN_PROGRESS',
  'INSTALL_WAITING_PARENT',
  'INSTALL_WAITING_SERVICE_WINDOW',
  'INSTALL_IN_PROGRESS',
]);

/** Whether a site works on an order by itself in this state; results of a check and failures rest. */
export function isUnderWay(state: UpdateState): boolean {
  return underWay.has(state);
}

const restingAtFailure: ReadonlySet<UpdateState> = new Set([
  'CONTENT_REPLICATION_FAILED',
  'PREREQ_WARNING',
  'PREREQ_ERROR',
  'INSTALL_FAILED',
]);

/** Whether a new attempt makes sense: the last one stopped. */
export function isRetryable(state: UpdateState): boolean {
  return restingAtFailure.has(state);
}

const evaluatedStates: ReadonlySet<UpdateState> = new Set([
  'UNKNOWN',
  'APPLICABILITY_CHECKING',
  'APPLICABILITY_SUCCESS',
  'APPLICABILITY_HIDE',
  'APPLICABILITY_NA',
  'APPLICABILITY_FAILED',
]);

/** Whether nothing but selection has spoken of the package yet. */
export function isOnlyEvaluated(state: UpdateState): boolean {
  return evaluatedStates.has(state);
}

/** Where a cancel leaves a package that a site had begun with. */
export function isAtRest(state: UpdateState): boolean {
  return state === 'UNKNOWN' || state === 'DOWNLOAD_SUCCESS';
}
