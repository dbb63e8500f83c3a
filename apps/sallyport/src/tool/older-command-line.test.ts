import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidArgumentError } from 'commander';
import { fromOlderCommandLine } from './older-command-line.ts';

const words = (line: string): readonly string[] | undefined => fromOlderCommandLine(line.split(' '));

test('understands every command line of the older tool', () => {
  assert.deepEqual(words('-prepare -usagedatadest d:\\usage.cab'), ['prepare', '--to', 'd:\\usage.cab']);
  assert.deepEqual(words('-connect -usagedatasrc in -updatepackdest out'), [
    'connect',
    '--from',
    'in',
    '--to',
    'out',
  ]);
  assert.deepEqual(
    words(
      '-Connect -UsageDataSrc in -UpdatePackDest out -ProxyServerUri p -ProxyUserName u -DownloadSiteVersion',
    ),
    ['connect', '--from', 'in', '--to', 'out', '--proxy', 'p', '--proxy-user', 'u', '--site-version'],
  );
  assert.deepEqual(words('-connect -usagedatasrc in -updatepackdest out -downloadall')?.at(-1), '--all');
  assert.deepEqual(
    words('-connect -usagedatasrc in -updatepackdest out -downloadhotfix')?.at(-1),
    '--hotfixes',
  );
  assert.deepEqual(words('-import -updatepacksrc in'), ['import', '--from', 'in']);
  assert.deepEqual(words('-export -dest f.csv --data site'), ['export', '--to', 'f.csv', '--data', 'site']);
});

test('leaves its own command lines alone', () => {
  assert.equal(words('connect --from in --to out'), undefined);
  assert.equal(words('--help'), undefined);
});

test('refuses a word that neither tool knows', () => {
  assert.throws(() => words('-connect -downloadeverything'), InvalidArgumentError);
});
