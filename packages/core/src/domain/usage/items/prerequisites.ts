import type { PrerequisiteResult } from '../../updates/prerequisites.ts';
import { number, singleItem, tableItem, text } from '../define-item.ts';
import { spansOf } from '../event-spans.ts';
import type { UsageFacts } from '../facts.ts';
import type { UsageItem } from '../item.ts';
import { groupsBy, spread, word } from '../tally.ts';

const outcomes = ['prerequisites-passed', 'prerequisites-warned', 'prerequisites-failed'] as const;

/** Results of all checks in the events. What is no result is passed over: events are data. */
function resultsOf({ events }: UsageFacts): readonly Partial<PrerequisiteResult>[] {
  return events
    .flatMap(({ data }): readonly unknown[] => {
      const { results } = data;
      return Array.isArray(results) ? results : [];
    })
    .filter((result): result is Partial<PrerequisiteResult> => typeof result === 'object' && result !== null);
}

/** Prerequisites with one outcome, counted. */
function counted(facts: UsageFacts, status: PrerequisiteResult['status']) {
  return groupsBy(
    resultsOf(facts).filter((result) => result.status === status),
    ({ id, severity }) => ({ prerequisite: word(id), severity: word(severity) }),
  ).map(({ key, of }) => ({ ...key, times: of.length }));
}

const columns = {
  prerequisite: text('Id of the prerequisite, as the vendor or Sallyport names it'),
  severity: text('error or warning'),
  times: number('times', 'How often'),
};

export const prerequisiteItems: readonly UsageItem[] = [
  singleItem({
    id: 'prerequisites.checks',
    level: 'basic',
    says: 'How prerequisite checks at the site ended in the last quarter.',
    columns: {
      passed: number('checks', 'Checks that found nothing'),
      warned: number('checks', 'Checks that found warnings'),
      failed: number('checks', 'Checks that found an error'),
    },
    example: { passed: 5, warned: 1, failed: 1 },
    row: ({ events }) => {
      const [passed, warned, failed] = outcomes.map(
        (outcome) => events.filter(({ event }) => event === outcome).length,
      );
      return { passed, warned, failed };
    },
  }),
  tableItem({
    id: 'prerequisites.failed',
    level: 'basic',
    says: 'Which prerequisites were not met at the site in the last quarter.',
    columns,
    example: [{ prerequisite: 'sallyport.free-disk', severity: 'error', times: 1 }],
    rows: (facts) => counted(facts, 'failed'),
  }),
  tableItem({
    id: 'prerequisites.warned',
    level: 'basic',
    says: 'Which prerequisites gave warnings at the site in the last quarter.',
    columns,
    example: [{ prerequisite: 'backup-recent', severity: 'warning', times: 2 }],
    rows: (facts) => counted(facts, 'warning'),
  }),
  tableItem({
    id: 'prerequisites.unknown',
    level: 'enhanced',
    says: 'Which prerequisites could not be checked at the site in the last quarter.',
    columns,
    example: [{ prerequisite: 'port-free', severity: 'error', times: 1 }],
    rows: (facts) => counted(facts, 'unknown'),
  }),
  tableItem({
    id: 'prerequisites.passed',
    level: 'full',
    says: 'Which prerequisites were met at the site in the last quarter.',
    columns,
    example: [{ prerequisite: 'sallyport.no-pending-work', severity: 'error', times: 6 }],
    rows: (facts) => counted(facts, 'passed'),
  }),
  singleItem({
    id: 'prerequisites.times',
    level: 'enhanced',
    says: 'How long prerequisite checks took at the site in the last quarter.',
    columns: {
      checks: number('checks', 'Checks'),
      least: number('ms', 'The shortest'),
      middle: number('ms', 'The middle one'),
      most: number('ms', 'The longest'),
    },
    example: { checks: 7, least: 12, middle: 40, most: 900 },
    row: ({ events }) => {
      const times = spansOf(events, 'prerequisites-started', outcomes).map(({ ms }) => ms);
      return times.length === 0 ? undefined : { checks: times.length, ...spread(times) };
    },
  }),
];
