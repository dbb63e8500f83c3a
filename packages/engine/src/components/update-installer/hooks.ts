import type { Hook } from '@sallyport/core/domain/updates/package';
import type { Log } from '../../ports/log.ts';
import { InstallError } from './install-error.ts';
import type { PackageProgram, PackagePrograms } from './programs.ts';

/** Where a package's hooks run: everything of a program but what the hook itself says. */
export interface HookPlace {
  readonly places: PackageProgram['places'];
  /** Of the attempt; a hook's step id is this and its own. */
  readonly stepPrefix: string;
}

/**
 * Runs a hook; `look` asks its `probe` first, because its work may be done already. Resolves when the work is done.
 *
 * @throws {InstallError} HOOK_FAILED
 */
export async function runHook(
  ports: { readonly log: Log; readonly programs: PackagePrograms },
  hook: Hook,
  place: HookPlace,
  look: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { log, programs } = ports;
  const shared = programOf(hook, place);
  if (look && hook.probe !== undefined) {
    const probe = await programs.run(
      { ...shared, label: `Probe of hook ${hook.id}`, command: hook.probe },
      signal,
    );
    if (probe.ok) {
      log.info('Hook {id} is done already', { id: hook.id });
      return;
    }
  }
  log.info('Hook {id} started', { id: hook.id });
  const outcome = await programs.run({ ...shared, label: `Hook ${hook.id}`, command: hook }, signal);
  if (outcome.ok) {
    log.info('Hook {id} finished', { id: hook.id });
    return;
  }
  log.error('Hook {id} failed: {reason}', { id: hook.id, reason: outcome.ending });
  throw new InstallError('HOOK_FAILED', `Hook "${hook.id}" ${outcome.ending}`, {
    hook: hook.id,
    output: outcome.outputTail,
  });
}

/** Takes a hook's work back; answers whether that went well. A failure is logged and does not hold the rest up. */
export async function undoHook(
  ports: { readonly log: Log; readonly programs: PackagePrograms },
  hook: Hook,
  place: HookPlace,
  signal: AbortSignal,
): Promise<boolean> {
  if (hook.undo === undefined) return true;
  const program = { ...programOf(hook, place), label: `Undo of hook ${hook.id}`, command: hook.undo };
  const outcome = await ports.programs.run(program, signal);
  if (outcome.ok) ports.log.info('Hook {id} undone', { id: hook.id });
  else
    ports.log.error('Hook {id} could not be undone: its undo {reason}', {
      id: hook.id,
      reason: outcome.ending,
    });
  return outcome.ok;
}

function programOf(hook: Hook, { places, stepPrefix }: HookPlace): Omit<PackageProgram, 'command' | 'label'> {
  return { stepId: `${stepPrefix}/${hook.id}`, places, privileged: hook.privileged === true };
}
