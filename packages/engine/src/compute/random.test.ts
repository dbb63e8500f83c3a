import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../../test-support/seeded-random.ts';
import { systemRandom } from './random.ts';

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

for (const [name, random] of [
  ['system', systemRandom],
  ['seeded', new SeededRandom(5)],
] as const) {
  test(`${name} random: fractions spread over [0, 1), bytes have their length, UUIDs their form`, () => {
    const fractions = Array.from({ length: 4000 }, () => random.fraction());
    assert.ok(fractions.every((fraction) => fraction >= 0 && fraction < 1));
    for (let tenth = 0; tenth < 10; tenth += 1) {
      const count = fractions.filter((fraction) => Math.floor(fraction * 10) === tenth).length;
      assert.ok(count > 250 && count < 550, `${String(count)} in tenth ${String(tenth)}`);
    }
    assert.equal(random.bytes(33).length, 33);
    assert.notDeepEqual(random.bytes(16), random.bytes(16));
    assert.match(random.uuid(), uuidPattern);
  });
}

test('seeded random: the same seed gives the same chance', () => {
  assert.deepEqual(new SeededRandom(3).bytes(8), new SeededRandom(3).bytes(8));
  assert.notDeepEqual(new SeededRandom(3).bytes(8), new SeededRandom(4).bytes(8));
});
