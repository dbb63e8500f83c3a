import type { UpdateEvent, UpdateEventName, UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { OrderAction } from '@sallyport/core/domain/updates/order';
import type { PhaseResult } from '@sallyport/core/wire/api';

type Phase = PhaseResult['phase'];
type PhaseState = PhaseResult['state'];

/** What an event says of the phase it belongs to. */
const meanings: Readonly<
  Partial<Record<UpdateEventName, { readonly phase: Phase; readonly state: PhaseState }>>
> = {
  'download-started': { phase: 'download', state: 'running' },
  'download-succeeded': { phase: 'download', state: 'done' },
  'download-failed': { phase: 'download', state: 'failed' },
  'replication-started': { phase: 'replication', state: 'running' },
  'replication-succeeded': { phase: 'replication', state: 'done' },
  'replication-failed': { phase: 'replication', state: 'failed' },
  'prerequisites-started': { phase: 'prerequisites', state: 'running' },
  'prerequisites-passed': { phase: 'prerequisites', state: 'done' },
  'prerequisites-warned': { phase: 'prerequisites', state: 'warning' },
  'prerequisites-failed': { phase: 'prerequisites', state: 'failed' },
  'waiting-for-parent': { phase: 'installation', state: 'waiting' },
  'waiting-for-window': { phase: 'installation', state: 'waiting' },
  'install-started': { phase: 'installation', state: 'running' },
};

/** After the switch the new release is in force: what remains is seeing that it works. */
const postSteps: ReadonlySet<unknown> = new Set(['after-switch-hooks', 'health-check']);

/**
 * The phases of a package at a site, as the reference's monitoring shows them: what its events say, the last one
 * of each phase deciding. Only the newest attempt counts, but for the download, which attempts share.
 *
 * @param events of one package at one site, oldest first
 */
export function phasesOf(
  events: readonly UpdateEvent[],
  projection: UpdateProjection | undefined,
  site: { readonly topTier: boolean; readonly action: OrderAction | undefined },
): readonly PhaseResult[] {
  const phases: Record<Phase, PhaseResult> = {
    download: { phase: 'download', state: site.topTier ? 'not-started' : 'not-applicable' },
    replication: { phase: 'replication', state: 'not-started' },
    prerequisites: { phase: 'prerequisites', state: 'not-started' },
    installation: {
      phase: 'installation',
      state: site.action === 'check-prerequisites' ? 'not-applicable' : 'not-started',
    },
    post: { phase: 'post', state: site.action === 'check-prerequisites' ? 'not-applicable' : 'not-started' },
  };
  for (const event of events) {
    if (event.event.startsWith('download-') || event.attempt === projection?.attempt) apply(phases, event);
  }
  return [phases.download, phases.replication, phases.prerequisites, phases.installation, phases.post];
}

function apply(phases: Record<Phase, PhaseResult>, event: UpdateEvent): void {
  const { at, data } = event;
  const reason = data['reason'];
  const detail = typeof reason === 'string' ? { detail: reason } : {};
  const set = (phase: Phase, state: PhaseState): void => {
    phases[phase] = { phase, state, at, ...detail };
  };
  const meaning = meanings[event.event];
  if (meaning !== undefined) set(meaning.phase, meaning.state);
  switch (event.event) {
    case 'step-finished':
      if (data['step'] === 'switch') {
        set('installation', 'done');
        set('post', 'running');
      }
      break;
    case 'install-succeeded':
      set('installation', 'done');
      set('post', 'done');
      break;
    case 'install-failed':
      set(postSteps.has(data['step']) ? 'post' : 'installation', 'failed');
      break;
    case 'cancelled':
    case 'reset':
      for (const phase of Object.values(phases)) {
        if (phase.state === 'running' || phase.state === 'waiting') set(phase.phase, 'not-started');
      }
      break;
    default:
      break;
  }
}
