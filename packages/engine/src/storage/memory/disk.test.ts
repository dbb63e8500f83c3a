import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propertyRuns } from '@sallyport/core/shared/test-support/property';
import fc from 'fast-check';
import { noise } from '../../../test-support/bytes.ts';
import { SeededRandom } from '../../../test-support/seeded-random.ts';
import { MemoryDisk, ProcessEnded } from './disk.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const power = (disk: MemoryDisk, seed: number): void => disk.crash(new SeededRandom(seed), 'power');

test('what was synced survives every power cut, whatever was written after', () => {
  const step = fc.record({
    path: fc.constantFrom('a', 'b', 'c/d'),
    what: fc.constantFrom('append', 'durably', 'sync', 'remove', 'rename'),
    text: fc.string({ maxLength: 20 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.integer(), (steps, seed) => {
      const disk = new MemoryDisk();
      const mount = disk.mount();
      // What each path is sure to have at least: the prefix that was synced since it was last removed or replaced.
      const sure = new Map<string, Uint8Array>();
      for (const { path, what, text } of steps) {
        if (what === 'append') mount.append(path, bytes(text));
        if (what === 'durably') mount.writeDurably(path, bytes(text));
        if (what === 'sync') mount.sync(path);
        if (what === 'remove') mount.remove(path);
        if (what === 'rename') {
          mount.sync(path);
          mount.rename(path, 'e');
        }
        const now = disk.files.get(path);
        if (what === 'remove' || what === 'rename') sure.delete(path);
        else if (what !== 'append' && now !== undefined) sure.set(path, now);
        const renamed = disk.files.get('e');
        if (what === 'rename' && renamed !== undefined) sure.set('e', renamed);
      }
      power(disk, seed);
      for (const [path, expected] of sure) {
        const left = disk.files.get(path);
        assert.ok(left !== undefined, `${path} is gone`);
        assert.deepEqual(Buffer.from(left.slice(0, expected.length)), Buffer.from(expected));
      }
    }),
    propertyRuns(300),
  );
});

test('what was not synced is whole, cut off, followed by garbage, or gone, as chance has it', () => {
  const long = noise(1000);
  const seen = new Set<string>();
  for (let seed = 0; seed < 80; seed += 1) {
    const disk = new MemoryDisk();
    const mount = disk.mount();
    mount.writeDurably('file', long.slice(0, 400));
    mount.append('file', long.slice(400));
    mount.write('new', long);
    power(disk, seed);
    for (const path of ['file', 'new']) {
      const left = disk.files.get(path);
      if (left === undefined) seen.add(`${path} gone`);
      else if (left.length < long.length) seen.add(`${path} cut`);
      else seen.add(`${path} ${left.every((byte, index) => byte === long[index]) ? 'whole' : 'garbage'}`);
    }
  }
  assert.deepEqual([...seen].toSorted(), [
    'file cut',
    'file garbage',
    'file whole',
    'new cut',
    'new garbage',
    'new gone',
    'new whole',
  ]);
});

test('a killed process leaves everything it wrote, and the same seed tears the same way', () => {
  const once = (kind: 'kill' | 'power'): unknown => {
    const disk = new MemoryDisk();
    const mount = disk.mount();
    for (let index = 0; index < 20; index += 1) mount.write(`f${index}`, noise(50, index));
    disk.crash(new SeededRandom(3), kind);
    return [...disk.contents()];
  };
  assert.equal((once('kill') as unknown[]).length, 20);
  assert.deepEqual(once('power'), once('power'));
  assert.notDeepEqual(once('power'), once('kill'));
});

test('a removal may be undone by a power cut until something is synced', () => {
  const back = new Set<boolean>();
  for (let seed = 0; seed < 40; seed += 1) {
    const disk = new MemoryDisk();
    const mount = disk.mount();
    mount.writeDurably('a', bytes('a'));
    mount.remove('a');
    if (seed % 2 === 0) mount.writeDurably('b', bytes('b'));
    power(disk, seed);
    if (seed % 2 === 0) assert.equal(disk.files.has('a'), false);
    else back.add(disk.files.has('a'));
  }
  assert.equal(back.size, 2);
});

test('a process that has ended reaches the disk no more', () => {
  const disk = new MemoryDisk();
  const dead = disk.mount();
  const living = disk.mount();
  for (const call of [
    () => dead.write('a', bytes('a')),
    () => dead.remove('a'),
    () => dead.read('a'),
    () => dead.sync('a'),
    () => dead.rename('a', 'b'),
  ]) {
    assert.throws(call, ProcessEnded);
  }
  living.write('a', bytes('a'));
  disk.unmount();
  assert.throws(() => living.read('a'), ProcessEnded);
  power(disk, 1);
  assert.deepEqual(disk.files.get('a'), bytes('a'));
});

test('a full disk takes no more bytes, and gives back what is removed', () => {
  const disk = new MemoryDisk({ capacityBytes: 100 });
  const mount = disk.mount();
  mount.write('a', noise(60));
  assert.throws(() => mount.append('a', noise(41)), { code: 'DISK_FULL' });
  assert.equal(disk.freeBytes(), 40);
  mount.write('a', noise(100));
  mount.remove('a');
  disk.full = true;
  assert.throws(() => mount.write('b', noise(1)), { code: 'DISK_FULL' });
  disk.full = false;
  mount.write('b', noise(1));
});
