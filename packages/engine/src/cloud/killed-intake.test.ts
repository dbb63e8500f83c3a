import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { usageReportFormat } from '@sallyport/core/wire/usage';
import { newDesk, rowsOf } from './test-support/desk-fixture.ts';
import { reportedSite } from './test-support/reporting-hierarchy.ts';

const program = fileURLToPath(new URL('test-support/dying-intake.ts', import.meta.url));
const rowsPerSite = 200;

function killed(...args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (failure) => resolve(failure?.signal ?? undefined));
  });
}

test('a service that is killed while it stores a report, or before it answers, counts it once all the same', async (context) => {
  const desk = await newDesk(context);
  const hierarchy = await desk.enrolled();
  const stored: number[] = [];
  for (const steps of [0, 1, 2, 4, 1_000_000]) {
    const rows = Array.from({ length: rowsPerSite }, (_, index) => ({ product: `p${index}`, packages: 1 }));
    const report = hierarchy.next({
      sites: [reportedSite('A', { 'setup.products': rows }), reportedSite('B')],
    });
    const file = join(desk.cloud.folder, 'report.json');
    await writeFile(file, usageReportFormat.print(report));
    assert.equal(await killed(desk.databasePath, file, String(steps)), 'SIGKILL');
    const held = rowsOf(
      desk.databasePath,
      `select number from usage_row join usage_site on usage_site.id = site_id
        join usage_report on usage_report.id = report_id where sequence = ${report.sequence}`,
    ).length;
    assert.ok(held === 0 || held === rowsPerSite + 1, 'all of it or nothing');
    stored.push(held);
    const { receipts } = await desk.send(hierarchy.signed(report));
    const first = '1970-01-01T00:00:00Z';
    assert.equal(
      receipts[0]?.acceptedAt === first,
      held > 0,
      'receipted with the instant at which it was stored',
    );
  }
  assert.equal(stored.at(-1), rowsPerSite + 1, 'the last one was stored before the death');
  assert.equal(rowsOf(desk.databasePath, 'select * from usage_row').length, 5 * (rowsPerSite + 1));
});
