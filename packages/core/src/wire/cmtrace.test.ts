import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatTraceLine, traceLineText, type TraceEntry } from './cmtrace.ts';

const entry: TraceEntry = {
  text: 'Download finished',
  component: 'SMS_DMP_DOWNLOADER',
  severity: 'info',
  at: Date.UTC(2026, 0, 15, 17, 4, 5, 67),
  biasMinutes: 300,
  thread: 42,
};

test('writes local time with the minutes that lead to UTC', () => {
  assert.equal(
    formatTraceLine(entry),
    '<![LOG[Download finished]LOG]!><time="12:04:05.067+300" date="01-15-2026"' +
      ' component="SMS_DMP_DOWNLOADER" context="" type="1" thread="42" file="">\n',
  );
});

test('writes a negative bias east of Greenwich', () => {
  assert.match(formatTraceLine({ ...entry, biasMinutes: -60 }), /time="18:04:05\.067-060"/);
});

test('numbers severities as the viewer colours them', () => {
  assert.match(formatTraceLine({ ...entry, severity: 'warning' }), /type="2"/);
  assert.match(formatTraceLine({ ...entry, severity: 'error' }), /type="3"/);
});

test('keeps any text inside its own line and entry', () => {
  fc.assert(
    fc.property(fc.string(), (noise) => {
      const line = formatTraceLine({ ...entry, text: `a]LOG]!>\r\n${noise}\nb` });
      assert.equal(line.indexOf('\n'), line.length - 1);
      assert.equal(line.split(']LOG]!>').length, 2);
      assert.notEqual(traceLineText(line.trimEnd()), undefined);
    }),
  );
});
