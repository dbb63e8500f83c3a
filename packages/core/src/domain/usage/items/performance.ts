import { number, singleItem, tableItem, text } from '../define-item.ts';
import type { UsageItem } from '../item.ts';
import { word } from '../tally.ts';

export const performanceItems: readonly UsageItem[] = [
  singleItem({
    id: 'performance.memory',
    level: 'basic',
    says: 'How much memory the site server uses.',
    columns: {
      resident: number('bytes', 'Memory of the process'),
      heap: number('bytes', 'What of it JavaScript uses'),
    },
    example: { resident: 188_743_680, heap: 62_914_560 },
    row: ({ process }) => ({ resident: process.residentBytes, heap: process.heapBytes }),
  }),
  singleItem({
    id: 'performance.processor',
    level: 'basic',
    says: 'How much processor time the site server has used since it was started.',
    columns: {
      used: number('ms', 'Processor time'),
      share: number('‰', 'Of one processor, over the time that it has been running'),
    },
    example: { used: 91_000, share: 4 },
    row: ({ at, process }) => {
      const elapsedMs = at - process.startedAt;
      return {
        used: process.processorMs,
        share: elapsedMs > 0 ? (process.processorMs * 1000) / elapsedMs : undefined,
      };
    },
  }),
  singleItem({
    id: 'performance.delay',
    level: 'enhanced',
    says: 'How long work waits in the site server for its turn.',
    columns: {
      half: number('µs', 'Half of the waits were shorter'),
      most: number('µs', '99 of 100 waits were shorter'),
    },
    example: { half: 120, most: 14_000 },
    row: ({ process }) => ({ half: process.loopDelayP50Us, most: process.loopDelayP99Us }),
  }),
  singleItem({
    id: 'performance.load',
    level: 'enhanced',
    says: 'How busy the machine is.',
    columns: { load: number('‰', 'What waits for a processor on average, in thousandths') },
    example: { load: 310 },
    row: ({ machine: { loadThousandths } }) =>
      loadThousandths === undefined ? undefined : { load: loadThousandths },
  }),
  tableItem({
    id: 'performance.jobs',
    level: 'full',
    says: 'What hashing and compressing cost since the site server was started.',
    columns: {
      job: text('Kind of work'),
      count: number('jobs', 'How often'),
      failed: number('jobs', 'How often it failed or was given up'),
      took: number('ms', 'How long together, waiting included'),
    },
    example: [{ job: 'hashFile', count: 320, failed: 0, took: 5400 }],
    rows: ({ process }) =>
      process.jobs.map(({ job, count, failed, ms }) => ({ job: word(job), count, failed, took: ms })),
  }),
];
