import type { SiteCode } from '../../shared/ids.ts';
import { formatBytes } from '../../shared/units.ts';
import type { SiteType } from '../sites/site.ts';
import type { WarningConsent } from './order.ts';
import type { Prerequisite, PrerequisiteCheck, Severity } from './package.ts';
import { evaluateRule } from './rule-evaluation.ts';
import type { Facts } from './rule.ts';

/**
 * - `warning`, `failed`: not met, and of that severity
 * - `unknown`: could not be checked; it counts as not met, by its severity
 */
export type PrerequisiteStatus = 'failed' | 'passed' | 'unknown' | 'warning';

/** The outcome of one prerequisite at one site. JSON-safe: it is kept in events. */
export interface PrerequisiteResult {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly status: PrerequisiteStatus;
  /** What was found. */
  readonly detail: string;
  readonly remedy: string;
}

/** What looking brought: made by whoever may look, judged here. */
export type CheckOutcome =
  | { readonly kind: 'rule'; readonly facts: Facts }
  | { readonly kind: 'free-disk'; readonly freeBytes: number }
  | {
      readonly kind: 'command';
      /** Null when it did not end by itself. */
      readonly exitCode: number | null;
      readonly timedOut: boolean;
      /** What it printed, for people. */
      readonly output: string;
      readonly startError?: string;
    }
  /** `pending` names what is under way. */
  | { readonly kind: 'no-pending-work'; readonly pending: readonly string[] }
  | { readonly kind: 'not-run'; readonly reason: string };

/** Whether a prerequisite is asked at sites of a type. */
export function appliesToSite(prerequisite: Prerequisite, type: SiteType): boolean {
  return prerequisite.siteTypes?.includes(type) ?? true;
}

/** Judges what looking brought. An outcome of another kind than the check counts as not checked. */
export function evaluatePrerequisite(prerequisite: Prerequisite, outcome: CheckOutcome): PrerequisiteResult {
  const { met, detail } = judge(prerequisite.check, outcome);
  const status =
    met === 'unknown'
      ? 'unknown'
      : met === 'yes'
        ? 'passed'
        : prerequisite.severity === 'error'
          ? 'failed'
          : 'warning';
  return {
    id: prerequisite.id,
    title: prerequisite.title,
    severity: prerequisite.severity,
    status,
    detail,
    remedy: prerequisite.remedy,
  };
}

/** The worst of the results: what could not be checked counts as not met. No results have passed. */
export function worst(results: readonly PrerequisiteResult[]): 'failed' | 'passed' | 'warning' {
  const open = results.filter(({ status }) => status !== 'passed');
  if (open.length === 0) {
    return 'passed';
  }
  return open.some(({ severity }) => severity === 'error') ? 'failed' : 'warning';
}

/**
 * The warnings at a site that nobody has consented to by name: an install waits for them. Consent given at
 * another site, or to another warning, does not count, and no consent covers an error.
 */
export function unconsented(
  results: readonly PrerequisiteResult[],
  consent: WarningConsent | undefined,
  site: SiteCode,
): readonly PrerequisiteResult[] {
  const covered = new Set(
    consent?.warnings.filter((warning) => warning.site === site).map(({ prerequisite }) => prerequisite),
  );
  return results.filter(
    ({ id, severity, status }) => status !== 'passed' && severity === 'warning' && !covered.has(id),
  );
}

interface Judgement {
  readonly met: 'no' | 'unknown' | 'yes';
  readonly detail: string;
}

function judge(check: PrerequisiteCheck, outcome: CheckOutcome): Judgement {
  if (outcome.kind === 'not-run') {
    return { met: 'unknown', detail: `Not checked: ${outcome.reason}` };
  }
  if (check.kind === 'rule' && outcome.kind === 'rule') {
    const { verdict, failing } = evaluateRule(check.rule, outcome.facts);
    return {
      met: verdict,
      detail: verdict === 'yes' ? 'The rule holds.' : failing.map(({ sentence }) => sentence).join(' '),
    };
  }
  if (check.kind === 'free-disk' && outcome.kind === 'free-disk') {
    return judgeDisk(check.sizeBytes, outcome.freeBytes);
  }
  if (check.kind === 'command' && outcome.kind === 'command') {
    return judgeCommand(outcome);
  }
  if (check.kind === 'no-pending-work' && outcome.kind === 'no-pending-work') {
    return outcome.pending.length === 0
      ? { met: 'yes', detail: 'Nothing is under way.' }
      : { met: 'no', detail: `Under way: ${outcome.pending.join(', ')}.` };
  }
  return { met: 'unknown', detail: `Not checked: a ${check.kind} check was answered by ${outcome.kind}.` };
}

function judgeDisk(neededBytes: number, freeBytes: number): Judgement {
  const detail = `${formatBytes(freeBytes)} free, ${formatBytes(neededBytes)} needed.`;
  return { met: freeBytes >= neededBytes ? 'yes' : 'no', detail };
}

function judgeCommand(outcome: Extract<CheckOutcome, { readonly kind: 'command' }>): Judgement {
  if (outcome.startError !== undefined) {
    return { met: 'unknown', detail: `The check could not be started: ${outcome.startError}` };
  }
  const output = outcome.output.trim();
  const said = output === '' ? '' : ` It printed: ${output}`;
  if (outcome.timedOut) {
    return { met: 'unknown', detail: `The check did not end in time.${said}` };
  }
  if (outcome.exitCode === null) {
    return { met: 'unknown', detail: `The check was ended from outside.${said}` };
  }
  return outcome.exitCode === 0
    ? { met: 'yes', detail: `The check passed.${said}` }
    : { met: 'no', detail: `The check ended with exit code ${outcome.exitCode}.${said}` };
}
