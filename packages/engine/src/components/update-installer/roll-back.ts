import { hooksToUndo, recordHook } from '@sallyport/core/domain/updates/install-steps';
import { messageOf } from '@sallyport/core/shared/errors';
import { checkHealth } from './health-check.ts';
import { undoHook } from './hooks.ts';
import { hookPlaceOf, type InstallTools, removeScratch } from './install-tools.ts';
import type { InstallFailure, InstallJournal } from './records.ts';

/** Decides, durably, that the install goes back from here. */
export async function turnBack(
  tools: InstallTools,
  journal: InstallJournal,
  failure?: InstallFailure,
): Promise<InstallJournal> {
  const current = await tools.releases.current(journal.product);
  const back: InstallJournal = {
    ...journal,
    phase: 'back',
    switched: current?.guid === journal.guid,
    ...(failure === undefined ? {} : { failure }),
  };
  tools.records.keep(back);
  return back;
}

/**
 * Puts the site back on the release it had: first the pointer, then the hooks' work, the last one first, then the
 * files. Each part may be repeated. At the end the failure becomes an event; a cancelled install has its own.
 */
export async function takeBack(
  tools: InstallTools,
  journal: InstallJournal,
  signal: AbortSignal,
): Promise<void> {
  const { guid, version, previous, switched, failure } = journal;
  tools.report(`takes back ${version}`);
  tools.log.warn('Taking back {version} ({guid})', { version, guid });
  if (switched) {
    await tools.releases.switchTo(previous);
    tools.log.info('Switched {product} back from {version} to {previous}', {
      product: journal.product,
      version,
      previous: previous.version,
    });
  }
  const undone = await undoHooks(tools, journal, signal);
  const previousHealth = switched ? await healthOfPrevious(tools, undone, signal) : undefined;
  await removeTraces(tools, undone);
  if (failure === undefined) {
    tools.records.keep(null);
    tools.log.info('The cancelled install of {version} ({guid}) left nothing behind', { version, guid });
    return;
  }
  const seen = tools.records.projection(guid);
  if (seen?.state !== 'INSTALL_IN_PROGRESS' || seen.attempt !== journal.attempt) {
    // Cancelled before the failure was decided upon: that event stands.
    tools.records.keep(null);
    return;
  }
  const { code, step, output } = failure;
  const reason = `${failure.reason}. This site runs ${previous.version}${switched ? ' again' : ' as before'}.`;
  const data = {
    reason,
    code,
    step,
    rolledBack: switched,
    version: previous.version,
    ...(output === undefined ? {} : { output }),
    ...(undone.undoFailed.length === 0 ? {} : { undoFailed: undone.undoFailed }),
    ...(previousHealth === undefined ? {} : { previousHealth }),
  };
  tools.records.append(seen, { event: 'install-failed', data }, null);
  tools.log.error('Install of {version} ({guid}) failed: {reason}', { version, guid, reason });
}

async function undoHooks(
  tools: InstallTools,
  journal: InstallJournal,
  signal: AbortSignal,
): Promise<InstallJournal> {
  const due = hooksToUndo(journal.ledger, journal.hooks);
  if (due.length === 0) return journal;
  let kept = journal;
  const place = await hookPlaceOf(tools, journal);
  for (const hook of due) {
    const done = await undoHook(tools, hook, place, signal);
    kept = {
      ...kept,
      ledger: recordHook(kept.ledger, hook.id, 'undone'),
      undoFailed: done ? kept.undoFailed : [...kept.undoFailed, hook.id],
    };
    tools.records.keep(kept);
  }
  return kept;
}

/** Whether the release that is in force again works; undefined when it declares no health check. */
async function healthOfPrevious(
  tools: InstallTools,
  journal: InstallJournal,
  signal: AbortSignal,
): Promise<'healthy' | 'unhealthy' | undefined> {
  const { previous, product, previousHealthCheck } = journal;
  if (previousHealthCheck === undefined) return undefined;
  const { places, stepPrefix } = await hookPlaceOf(tools, journal);
  const release = tools.releases.pathOf(product, previous.folder);
  const where = { places: { ...places, release }, stepId: `${stepPrefix}/health-check-of-previous` };
  const verdict = await checkHealth(tools, previousHealthCheck, where, signal);
  if (verdict.healthy) return 'healthy';
  tools.log.error('The release {version} that is in force again is not healthy: {reason}', {
    version: previous.version,
    reason: verdict.reason,
  });
  return 'unhealthy';
}

/** What cannot be removed only takes room: it is logged, and the next install of the package replaces it. */
async function removeTraces(tools: InstallTools, journal: InstallJournal): Promise<void> {
  try {
    if (journal.folder !== journal.previous.folder)
      await tools.releases.remove(journal.product, journal.folder);
  } catch (failure) {
    tools.log.warn('The release {folder} could not be removed: {err}', {
      folder: journal.folder,
      err: messageOf(failure),
    });
  }
  await removeScratch(tools, journal);
}
