import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { formatTraceLine, traceLineText } from '@sallyport/core/wire/cmtrace';
import { ComponentLogs, fill } from './component-logs.ts';
import { RollingFile } from './rolling-file.ts';

const at = Date.UTC(2026, 0, 2, 3, 4, 5);
const notUsed = (): Promise<never> => Promise.reject(new Error('not used'));
const clock = { now: () => at, sleep: notUsed, until: notUsed };

function folder(context: { after(work: () => void): void }): string {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-logs-'));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('writes each component to the file that administrators know', (context) => {
  const path = folder(context);
  const logs = new ComponentLogs({ folder: path, clock, formatLine: formatTraceLine });
  logs.of('SMS_DMP_DOWNLOADER').info('Downloading {name}: {percent} %', { name: 'Compiler', percent: 40 });
  logs.of('SMS_HIERARCHY_MANAGER').error('Refused: {err}', { err: new Error('wrong key') });
  logs.close();
  assert.deepEqual(readdirSync(path).toSorted(), ['Dmpdownloader.log', 'hman.log']);
  const lines = readFileSync(join(path, 'Dmpdownloader.log'), 'utf8').trimEnd().split('\n');
  assert.deepEqual(lines.map(traceLineText), ['Downloading Compiler: 40 %']);
  assert.match(readFileSync(join(path, 'hman.log'), 'utf8'), /Refused: wrong key.*type="3"/);
});

test('writes structured lines with the constant message and its fields', async (context) => {
  const stream = new PassThrough();
  const logs = new ComponentLogs({
    folder: folder(context),
    clock,
    formatLine: formatTraceLine,
    structured: stream,
  });
  logs.of('SMS_EXECUTIVE').warn('Component {name} failed', { name: 'X' });
  logs.close();
  const line: unknown = JSON.parse(String(stream.read()));
  assert.deepEqual(line, {
    level: 40,
    time: '2026-01-02T03:04:05.000Z',
    component: 'SMS_EXECUTIVE',
    name: 'X',
    msg: 'Component {name} failed',
  });
});

test('what cannot be written stops nobody, and the file says later how much is missing', (context) => {
  const path = folder(context);
  const inTheWay = join(path, 'hman.log');
  mkdirSync(inTheWay);
  const logs = new ComponentLogs({ folder: path, clock, formatLine: formatTraceLine });
  const log = logs.of('SMS_HIERARCHY_MANAGER');
  log.info('first');
  log.error('second');
  rmdirSync(inTheWay);
  log.info('third');
  log.info('fourth');
  logs.close();
  const [missing = '', ...rest] = readFileSync(inTheWay, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => traceLineText(line) ?? '');
  assert.match(missing, /^2 lines before this one could not be written: EISDIR/);
  assert.deepEqual(rest, ['third', 'fourth']);
});

test('a log that could not be rolled over goes on once it can, and never in another file', (context) => {
  const path = folder(context);
  const inTheWay = join(path, 'small.lo_');
  mkdirSync(join(inTheWay, 'x'), { recursive: true });
  const file = new RollingFile(join(path, 'small.log'), 10);
  file.append('12345678\n');
  assert.throws(() => file.append('abcdefgh\n'), { code: 'EISDIR' });
  rmSync(inTheWay, { recursive: true });
  file.append('abcdefgh\n');
  file.close();
  assert.equal(readFileSync(inTheWay, 'utf8'), '12345678\n');
  assert.equal(readFileSync(join(path, 'small.log'), 'utf8'), 'abcdefgh\n');
});

test('refuses a component that has no log file', (context) => {
  const logs = new ComponentLogs({ folder: folder(context), clock, formatLine: formatTraceLine });
  assert.throws(() => logs.of('NOBODY'), RangeError);
});

test('leaves a placeholder without a field as it is', () => {
  assert.equal(fill('{a} and {b}', { a: 1 }), '1 and {b}');
});

test('rolls to .lo_ at the limit and loses no line of the newest two files', (context) => {
  const path = folder(context);
  const file = new RollingFile(join(path, 'x.log'), 100);
  for (let line = 0; line < 9; line++) file.append(`line ${line} ${'.'.repeat(30)}\n`);
  file.close();
  const kept = readFileSync(join(path, 'x.lo_'), 'utf8') + readFileSync(join(path, 'x.log'), 'utf8');
  assert.match(kept, /^line 6[^]*line 7[^]*line 8/);
});

test('goes on with a file that an earlier process left', (context) => {
  const path = folder(context);
  for (const text of ['first\n', 'second\n']) {
    const file = new RollingFile(join(path, 'x.log'), 100);
    file.append(text);
    file.close();
  }
  assert.equal(readFileSync(join(path, 'x.log'), 'utf8'), 'first\nsecond\n');
});
