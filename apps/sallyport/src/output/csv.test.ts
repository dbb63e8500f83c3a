import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCsv } from './csv.ts';

test('text is quoted where it must be, and no cell becomes a formula', () => {
  const rows = [
    ['plain', 1, true],
    ['a,b', -1, false],
    ['say "hi"', 0, true],
    ['two\r\nlines', 0, true],
    ['=HYPERLINK("http://x")', 0, true],
    ['+1', 0, true],
    ['-1', 0, true],
    ['@cmd', 0, true],
    ['\t=1', 0, true],
  ] as const;
  assert.equal(
    formatCsv(['text', 'number', 'truth'], rows),
    [
      'text,number,truth',
      'plain,1,true',
      '"a,b",-1,false',
      '"say ""hi""",0,true',
      '"two\r\nlines",0,true',
      '"\'=HYPERLINK(""http://x"")",0,true',
      "'+1,0,true",
      "'-1,0,true",
      "'@cmd,0,true",
      "'\t=1,0,true",
      '',
    ].join('\r\n'),
  );
});
