import type { HealthCheck } from '@sallyport/core/domain/updates/package';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { PackageProgram, PackagePrograms } from './programs.ts';

export type HealthVerdict =
  | { readonly healthy: true }
  | { readonly healthy: false; readonly reason: string; readonly outputTail: string };

/**
 * Tries a release's health check up to `attemptsMax` times with `delayMs` between them. A release without one
 * is taken to be healthy. Rejects only when the signal is aborted.
 */
export async function checkHealth(
  ports: { readonly clock: Clock; readonly log: Log; readonly programs: PackagePrograms },
  check: HealthCheck | undefined,
  where: Pick<PackageProgram, 'places' | 'stepId'>,
  signal: AbortSignal,
): Promise<HealthVerdict> {
  const { clock, log, programs } = ports;
  if (check === undefined) {
    log.info('The package declares no health check');
    return { healthy: true };
  }
  const attemptsMax = Math.max(1, check.attemptsMax);
  let reason = '';
  let outputTail = '';
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    if (attempt > 1) await clock.sleep(check.delayMs, signal);
    const outcome = await programs.run(
      { label: 'Health check', command: check, privileged: false, ...where },
      signal,
    );
    const printed = outcome.stdout.trim();
    if (outcome.ok && (check.outputIs === undefined || printed === check.outputIs)) {
      log.info('Health check passed at attempt {attempt} of {attemptsMax}', { attempt, attemptsMax });
      return { healthy: true };
    }
    reason = outcome.ok
      ? `it printed "${shorten(printed)}" instead of "${shorten(check.outputIs ?? '')}"`
      : `it ${outcome.ending}`;
    outputTail = outcome.outputTail;
    log.warn('Health check failed at attempt {attempt} of {attemptsMax}: {reason}', {
      attempt,
      attemptsMax,
      reason,
    });
  }
  return { healthy: false, reason, outputTail };
}

function shorten(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
