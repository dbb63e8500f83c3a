import type { UpdateEventName, UpdateState } from './event.ts';

/** Where an event leads. `rest` is DOWNLOAD_SUCCESS where the content is held and UNKNOWN where it is not. */
export type Target = UpdateState | 'rest';

interface Transition {
  readonly from: readonly UpdateState[];
  readonly to: Target;
}

const evaluated: readonly UpdateState[] = [
  'UNKNOWN',
  'APPLICABILITY_CHECKING',
  'APPLICABILITY_SUCCESS',
  'APPLICABILITY_HIDE',
  'APPLICABILITY_NA',
  'APPLICABILITY_FAILED',
];

const replicating: readonly UpdateState[] = [
  'ENABLED',
  'CONTENT_REPLICATING',
  'CONTENT_REPLICATION_SUCCESS',
  'CONTENT_REPLICATION_FAILED',
];

const checked: readonly UpdateState[] = ['PREREQ_SUCCESS', 'PREREQ_WARNING', 'PREREQ_ERROR'];
const waiting: readonly UpdateState[] = ['INSTALL_WAITING_PARENT', 'INSTALL_WAITING_SERVICE_WINDOW'];
/** Ordered, and nothing of it is installing. */
const underOrder: readonly UpdateState[] = [...replicating, 'PREREQ_IN_PROGRESS', ...checked, ...waiting];
/** Warnings may have been consented to: whoever starts the install checks that. */
const mayInstall: readonly UpdateState[] = ['PREREQ_SUCCESS', 'PREREQ_WARNING', ...waiting];

/**
 * Every step there is. An event whose `from` holds its own target may be repeated: a restarted server begins
 * again, or a reason or time has changed. Whoever is not named in `from` refuses the event.
 */
const transitions: Readonly<Record<UpdateEventName, Transition>> = {
  'applicability-started': { from: evaluated, to: 'APPLICABILITY_CHECKING' },
  applicable: { from: evaluated, to: 'APPLICABILITY_SUCCESS' },
  'not-applicable': {
    from: [
      ...evaluated,
      'DOWNLOAD_SUCCESS',
      'DOWNLOAD_FAILED',
      'DOWNLOAD_IN_PROGRESS',
      'CONTENT_REPLICATION_FAILED',
      ...checked,
      'INSTALL_FAILED',
    ],
    to: 'APPLICABILITY_NA',
  },
  // A withdrawn package goes away whatever is under way, unless it is being installed or is installed.
  hidden: {
    from: [
      ...evaluated,
      'DOWNLOAD_IN_PROGRESS',
      'DOWNLOAD_SUCCESS',
      'DOWNLOAD_FAILED',
      ...underOrder,
      'INSTALL_FAILED',
    ],
    to: 'APPLICABILITY_HIDE',
  },
  'applicability-failed': { from: evaluated, to: 'APPLICABILITY_FAILED' },
  'download-started': {
    from: [
      'APPLICABILITY_SUCCESS',
      'DOWNLOAD_IN_PROGRESS',
      'DOWNLOAD_FAILED',
      'DOWNLOAD_SUCCESS',
      'CONTENT_REPLICATION_FAILED',
    ],
    to: 'DOWNLOAD_IN_PROGRESS',
  },
  'download-succeeded': { from: ['DOWNLOAD_IN_PROGRESS'], to: 'DOWNLOAD_SUCCESS' },
  'download-failed': { from: ['DOWNLOAD_IN_PROGRESS'], to: 'DOWNLOAD_FAILED' },
  // Orders reach child sites that know nothing of the package yet. A newer order replaces one under way.
  ordered: { from: ['UNKNOWN', 'DOWNLOAD_SUCCESS', ...underOrder, 'INSTALL_FAILED'], to: 'ENABLED' },
  'replication-started': { from: replicating, to: 'CONTENT_REPLICATING' },
  'replication-succeeded': { from: ['CONTENT_REPLICATING'], to: 'CONTENT_REPLICATION_SUCCESS' },
  'replication-failed': { from: ['CONTENT_REPLICATING'], to: 'CONTENT_REPLICATION_FAILED' },
  'prerequisites-started': {
    from: ['CONTENT_REPLICATION_SUCCESS', 'PREREQ_IN_PROGRESS', ...checked, ...waiting],
    to: 'PREREQ_IN_PROGRESS',
  },
  'prerequisites-passed': { from: ['PREREQ_IN_PROGRESS'], to: 'PREREQ_SUCCESS' },
  'prerequisites-warned': { from: ['PREREQ_IN_PROGRESS'], to: 'PREREQ_WARNING' },
  'prerequisites-failed': { from: ['PREREQ_IN_PROGRESS'], to: 'PREREQ_ERROR' },
  'waiting-for-parent': { from: mayInstall, to: 'INSTALL_WAITING_PARENT' },
  'waiting-for-window': { from: mayInstall, to: 'INSTALL_WAITING_SERVICE_WINDOW' },
  'install-started': { from: mayInstall, to: 'INSTALL_IN_PROGRESS' },
  'step-finished': { from: ['INSTALL_IN_PROGRESS'], to: 'INSTALL_IN_PROGRESS' },
  'install-succeeded': { from: ['INSTALL_IN_PROGRESS'], to: 'INSTALL_SUCCESS' },
  'install-failed': { from: ['INSTALL_IN_PROGRESS'], to: 'INSTALL_FAILED' },
  // From INSTALL_IN_PROGRESS only until the switch begins: `state.ts` looks at the finished steps.
  cancelled: { from: ['DOWNLOAD_IN_PROGRESS', ...underOrder, 'INSTALL_IN_PROGRESS'], to: 'rest' },
  // Never from APPLICABILITY_HIDE: a reset must not bring back what was withdrawn.
  reset: {
    from: [
      'APPLICABILITY_CHECKING',
      'APPLICABILITY_SUCCESS',
      'APPLICABILITY_NA',
      'APPLICABILITY_FAILED',
      'DOWNLOAD_IN_PROGRESS',
      'DOWNLOAD_SUCCESS',
      'DOWNLOAD_FAILED',
      ...underOrder,
      'INSTALL_FAILED',
    ],
    to: 'rest',
  },
};

/** Every event name. */
export const updateEventNames = Object.keys(transitions) as readonly UpdateEventName[];

/** Where `event` leads from `state`; undefined where it cannot happen. */
export function targetOf(state: UpdateState, event: UpdateEventName): Target | undefined {
  const transition = transitions[event];
  return transition.from.includes(state) ? transition.to : undefined;
}
