import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, test } from 'node:test';
import { type DataFolderUse, takeDataFolder } from './data-folder.ts';

const site: DataFolderUse = {
  what: 'a site',
  mode: 0o711,
  always: false,
  sign: 'site.json',
  foreignSigns: ['cloud.json'],
};
const cloud: DataFolderUse = {
  what: 'a cloud service',
  mode: 0o700,
  always: true,
  sign: 'cloud.json',
  foreignSigns: ['site.json'],
};

let world = '';
beforeEach(() => {
  world = mkdtempSync(join(tmpdir(), 'sallyport-data-'));
});
afterEach(() => rmSync(world, { recursive: true, force: true }));

function folderWith(...names: readonly string[]): string {
  const folder = join(world, 'data');
  mkdirSync(folder, { mode: 0o755 });
  for (const name of names) {
    if (name.endsWith('/')) mkdirSync(join(folder, name), { recursive: true });
    else writeFileSync(join(folder, name), 'x');
  }
  return folder;
}

function modeOf(folder: string): number {
  return statSync(folder).mode & 0o777;
}

test('makes a folder that is missing, with those above it, and holds it', () => {
  const folder = join(world, 'a', 'b', 'data');
  const lock = takeDataFolder(folder, site);
  assert.equal(modeOf(folder), 0o711);
  assert.throws(() => takeDataFolder(folder, site), { code: 'FOLDER_IN_USE' });
  lock.release();
  takeDataFolder(folder, site).release();
});

test('takes an empty folder, a fresh disk and the remains of a set-up that was cut short, and leaves their mode to who gave them', () => {
  const folder = folderWith('lost+found/');
  takeDataFolder(folder, site).release();
  assert.equal(modeOf(folder), 0o755);
  // What an administrator put beside a set-up that had begun.
  writeFileSync(join(folder, 'recovery.pem'), 'key');
  takeDataFolder(folder, site).release();
  takeDataFolder(folder, cloud).release();
  assert.equal(modeOf(folder), 0o700, 'a cloud service shows nobody anything');
});

test('takes a folder where a set-up was killed before it had its lock', () => {
  takeDataFolder(folderWith('run/'), site).release();
});

for (const [what, names, expected] of [
  ['a home', ['.profile', 'photos/'], /holds "\.profile", "photos", which nobody here made/],
  ['a folder of many things', ['a', 'b', 'c', 'd', 'e', 'f', 'g'], /"a", "b", "c", "d", "e" and 2 more/],
  ['a system’s folder with a folder run/lock', ['run/lock/', 'log/'], /holds "log", "run"/],
  ['a run folder of others', ['run/other/'], /holds "run"/],
  [
    'a cloud service',
    ['cloud.json', 'keys/', 'run/'],
    /holds "cloud\.json" and 2 more, which belongs to something else/,
  ],
] as const) {
  test(`refuses ${what} by the names that lie there, and leaves it as it is`, () => {
    const folder = folderWith(...names);
    const before = readdirSync(folder, { recursive: true });
    assert.throws(() => takeDataFolder(folder, site), { code: 'FOREIGN_FOLDER', message: expected });
    assert.deepEqual(readdirSync(folder, { recursive: true }), before);
    assert.equal(modeOf(folder), 0o755);
  });
}

test('a file, or a place below one, is refused by name', () => {
  writeFileSync(join(world, 'file'), 'x');
  for (const folder of [join(world, 'file'), join(world, 'file', 'data')]) {
    assert.throws(() => takeDataFolder(folder, site), {
      code: 'UNWRITABLE',
      message: /the data folder .*file.* cannot be used: .*\(ENOTDIR\); name another folder/,
    });
  }
  symlinkSync('nowhere', join(world, 'link'));
  assert.throws(() => takeDataFolder(join(world, 'link'), site), { code: 'UNWRITABLE' });
});

test(
  'where no folder can be made it says so, and does not try for ever',
  { skip: !existsSync('/proc/self') },
  () => {
    assert.throws(() => takeDataFolder(`/proc/sallyport-${process.pid}/data`, site), {
      code: 'UNWRITABLE',
      message:
        /cannot be made: its file system takes no folders \(ENOENT\); name a folder on an ordinary disk/,
    });
  },
);
