import type { EpochMs, PackageGuid, SiteCode } from '../../shared/ids.ts';

/** States by their names in the reference, section 2.4; numeric codes are a mapping at the API's edge. */
export type UpdateState =
  | 'UNKNOWN'
  | 'ENABLED'
  | 'APPLICABILITY_CHECKING'
  | 'APPLICABILITY_SUCCESS'
  | 'APPLICABILITY_HIDE'
  | 'APPLICABILITY_NA'
  | 'APPLICABILITY_FAILED'
  | 'DOWNLOAD_IN_PROGRESS'
  | 'DOWNLOAD_SUCCESS'
  | 'DOWNLOAD_FAILED'
  | 'CONTENT_REPLICATING'
  | 'CONTENT_REPLICATION_SUCCESS'
  | 'CONTENT_REPLICATION_FAILED'
  | 'PREREQ_IN_PROGRESS'
  | 'PREREQ_SUCCESS'
  | 'PREREQ_WARNING'
  | 'PREREQ_ERROR'
  | 'INSTALL_IN_PROGRESS'
  | 'INSTALL_WAITING_SERVICE_WINDOW'
  | 'INSTALL_WAITING_PARENT'
  | 'INSTALL_SUCCESS'
  | 'INSTALL_FAILED';

/**
 * What happened to a package at a site. The state is what folding the events gives; `data` says the
 * rest. Names and transitions: `state.ts`.
 */
export type UpdateEventName =
  | 'applicability-started'
  | 'applicable'
  | 'not-applicable'
  | 'hidden'
  | 'applicability-failed'
  | 'download-started'
  | 'download-succeeded'
  | 'download-failed'
  | 'ordered'
  | 'replication-started'
  | 'replication-succeeded'
  | 'replication-failed'
  | 'prerequisites-started'
  | 'prerequisites-passed'
  | 'prerequisites-warned'
  | 'prerequisites-failed'
  | 'waiting-for-parent'
  | 'waiting-for-window'
  | 'install-started'
  | 'step-finished'
  | 'install-succeeded'
  | 'install-failed'
  | 'cancelled'
  | 'reset';

export interface UpdateEvent {
  readonly guid: PackageGuid;
  readonly site: SiteCode;
  readonly attempt: number;
  /** From 1, without gaps, for each (guid, site). */
  readonly sequence: number;
  readonly event: UpdateEventName;
  readonly at: EpochMs;
  /** JSON-safe; a `reason` (text for people), `code`, `step`, `nextAt` … as the event needs. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What the fold of a (guid, site)'s events gives. */
export interface UpdateProjection {
  readonly guid: PackageGuid;
  readonly site: SiteCode;
  readonly attempt: number;
  readonly sequence: number;
  readonly state: UpdateState;
  readonly since: EpochMs;
  /** Why it is in this state, for people: never empty. */
  readonly reason: string;
  /** The way out or what happens next and when: `nextAt` of the last event, if it had one. */
  readonly nextAt?: EpochMs;
  /** Names of the install steps finished in this attempt, in order. */
  readonly stepsDone: readonly string[];
  /** The whole content is at this site: it was downloaded or replicated. Cancel and reset go back to it. */
  readonly contentHeld: boolean;
  /** Data of the last event. */
  readonly data: Readonly<Record<string, unknown>>;
}
