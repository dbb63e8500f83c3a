import { hooksToRun, recordHook, stepAfter } from '@sallyport/core/domain/updates/install-steps';
import type { UpdateProjection } from '@sallyport/core/domain/updates/event';
import type { Hook } from '@sallyport/core/domain/updates/package';
import { type InstallStep, switchMayHaveBegun } from '@sallyport/core/domain/updates/state';
import { messageOf } from '@sallyport/core/shared/errors';
import { checkHealth } from './health-check.ts';
import { type HookPlace, runHook } from './hooks.ts';
import { failingAs, InstallError } from './install-error.ts';
import { hookPlaceOf, type InstallTools } from './install-tools.ts';
import { leaveBehind } from './left-behind.ts';
import { type InstallFailure, type InstallJournal, Overtaken } from './records.ts';
import { takeBack, turnBack } from './roll-back.ts';
import { tidyUp } from './tidy-up.ts';

/**
 * Brings the install under way to its end: on with its steps, or back. Everything it needs to know is in the
 * database, so that a process killed anywhere goes on where it was. Rejects when the signal is aborted, and with
 * what the database throws: then nothing is decided, and the next call goes on.
 */
export async function goOn(tools: InstallTools, journal: InstallJournal, signal: AbortSignal): Promise<void> {
  if (await leaveBehind(tools, journal)) return undefined;
  if (journal.phase === 'committed') return tidyUp(tools, journal);
  if (journal.phase === 'back') return takeBack(tools, journal, signal);
  const projection = tools.records.projection(journal.guid);
  if (projection?.state !== 'INSTALL_IN_PROGRESS' || projection.attempt !== journal.attempt) {
    tools.log.info('Install of {version} ({guid}) was cancelled', {
      version: journal.version,
      guid: journal.guid,
    });
    return takeBack(tools, await turnBack(tools, journal), signal);
  }
  const step = stepAfter(projection.stepsDone);
  if (step === 'commit') return commit(tools, journal, projection);
  tools.report(`installs ${journal.version}: ${step}`);
  const failure = await tryStep(tools, { journal, projection, step }, signal);
  if (failure === undefined) return undefined;
  tools.log.error('Step {step} failed: {reason}', { step, reason: failure.reason });
  return takeBack(tools, await turnBack(tools, tools.records.journal() ?? journal, failure), signal);
}

interface StepWork {
  readonly journal: InstallJournal;
  readonly projection: UpdateProjection;
  readonly step: InstallStep;
}

/** Does one step and records it. Answers why it failed; undefined also when the install was cancelled meanwhile. */
async function tryStep(
  tools: InstallTools,
  work: StepWork,
  signal: AbortSignal,
): Promise<InstallFailure | undefined> {
  const { journal, projection, step } = work;
  tools.log.info('Step {step} started', { step, guid: journal.guid });
  const watch = tools.records.watch(projection, signal);
  try {
    if (!switchMayHaveBegun(projection)) await refuseWhenStopped(tools, journal, watch.signal);
    await steps[step](tools, work, watch.signal);
    // Once more, as late as can be: the switch follows this checkpoint, and from there on nothing stops the install.
    if (step === 'before-switch-hooks') await refuseWhenStopped(tools, journal, watch.signal);
  } catch (failure) {
    signal.throwIfAborted();
    if (failure instanceof Overtaken || watch.overtaken()) return undefined;
    return failureOf(step, failure);
  } finally {
    watch.stop();
  }
  if (tools.records.append(projection, { event: 'step-finished', data: { step } }) !== undefined) {
    tools.log.info('Step {step} finished', { step, guid: journal.guid });
  }
  return undefined;
}

/** What went wrong, for the event. Also what nobody foresaw: a site must not hang between two releases. */
function failureOf(step: InstallStep, failure: unknown): InstallFailure {
  if (!(failure instanceof InstallError)) return { code: 'STEP_FAILED', step, reason: messageOf(failure) };
  const { output } = failure.details;
  const shown = typeof output === 'string' && output !== '' ? { output } : {};
  return { code: failure.code, step, reason: failure.message, ...shown };
}

type StepFunction = (tools: InstallTools, work: StepWork, signal: AbortSignal) => Promise<void>;

/** Each may be repeated from its beginning. */
const steps: Readonly<Record<InstallStep, StepFunction>> = {
  'stage-release': async (tools, { journal }, signal) => {
    const { guid, product, folder } = journal;
    const descriptor = await tools.catalogue.descriptor(guid);
    if (descriptor === undefined) {
      throw new InstallError(
        'NO_DESCRIPTOR',
        `Package ${guid} is not in this site's trusted catalogue any more`,
      );
    }
    await failingAs('STAGE_FAILED', 'The release could not be staged', signal, async () => {
      const tree = await tools.catalogue.tree(descriptor);
      await tools.releases.stage(
        product,
        folder,
        tree,
        tools.stagingProgress(descriptor.content.totalBytes),
        signal,
      );
    });
  },
  'backup-database': async (tools, { journal }, signal) => {
    await failingAs('BACKUP_FAILED', 'The site database could not be backed up', signal, async () => {
      const path = await tools.backups.make(`before-${journal.product}-${journal.version}`);
      tools.log.info('The site database was backed up to {path}', { path });
    });
  },
  'before-switch-hooks': async (tools, work, signal) => runHooks(tools, work, 'before-switch', signal),
  switch: async (tools, { journal }, signal) => {
    const { product, guid, version, folder, treeSha256, previous } = journal;
    const installed = [...previous.installed, guid];
    await failingAs('SWITCH_FAILED', 'The site could not be switched to the release', signal, async () => {
      await tools.releases.switchTo({ product, guid, version, folder, treeSha256, installed });
    });
    tools.log.info('Switched {product} from {previous} to {version}', {
      product,
      previous: previous.version,
      version,
    });
  },
  'after-switch-hooks': async (tools, work, signal) => runHooks(tools, work, 'after-switch', signal),
  'health-check': async (tools, { journal }, signal) => {
    const { places, stepPrefix } = await hookPlaceOf(tools, journal);
    const where = { places, stepId: `${stepPrefix}/health-check` };
    const verdict = await checkHealth(tools, journal.healthCheck, where, signal);
    if (verdict.healthy) return;
    throw new InstallError('HEALTH_CHECK_FAILED', `The health check failed: ${verdict.reason}`, {
      output: verdict.outputTail,
    });
  },
};

async function runHooks(
  tools: InstallTools,
  { journal, projection }: StepWork,
  phase: Hook['phase'],
  signal: AbortSignal,
): Promise<void> {
  const due = hooksToRun(journal.ledger, journal.hooks, phase);
  if (due.length === 0) return;
  const place: HookPlace = await hookPlaceOf(tools, journal);
  let kept = journal;
  const record = (id: string, state: 'begun' | 'finished'): void => {
    kept = { ...kept, ledger: recordHook(kept.ledger, id, state) };
    if (!tools.records.keepIf(projection, kept)) throw new Overtaken();
  };
  for (const { hook, repeat } of due) {
    // Before it runs: whatever happens to us, a roll-back will know of it.
    record(hook.id, 'begun');
    await runHook(tools, hook, place, repeat, signal);
    record(hook.id, 'finished');
  }
}

async function commit(
  tools: InstallTools,
  journal: InstallJournal,
  projection: UpdateProjection,
): Promise<void> {
  const { guid, product, version, previous } = journal;
  const data = { product, version, previousVersion: previous.version };
  const committed: InstallJournal = { ...journal, phase: 'committed' };
  if (tools.records.append(projection, { event: 'install-succeeded', data }, committed) === undefined) return;
  tools.log.info('Install of {version} ({guid}) succeeded', { version, guid });
  await tidyUp(tools, committed);
}

async function refuseWhenStopped(
  tools: InstallTools,
  journal: InstallJournal,
  signal: AbortSignal,
): Promise<void> {
  const answer = await tools.gate.gate(journal.guid, signal);
  if (answer.go) return;
  if (answer.undecided !== true) throw new InstallError('STOPPED', answer.reason);
  // The gate was open when this install began, and damage on a disk here is no word of the vendor.
  tools.log.warn('Install of {guid} goes on as it began: {reason}', {
    guid: journal.guid,
    reason: answer.reason,
  });
}
