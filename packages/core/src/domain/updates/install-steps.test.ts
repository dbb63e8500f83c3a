import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  fillCommand,
  type HookLedger,
  hooksToRun,
  hooksToUndo,
  recordHook,
  stepAfter,
} from './install-steps.ts';
import type { Hook } from './package.ts';
import { installSteps } from './state.ts';

const undo = { run: ['undo'], timeoutMs: 1 };
const hook = (id: string, phase: Hook['phase'], more: Partial<Hook> = {}): Hook => ({
  id,
  phase,
  run: ['x'],
  timeoutMs: 1,
  undo,
  ...more,
});
const noUndo: Hook = { id: 'b', phase: 'before-switch', run: ['x'], timeoutMs: 1 };
const hooks = [hook('a', 'before-switch'), noUndo, hook('c', 'before-switch'), hook('d', 'after-switch')];

test('steps follow each other in order up to the commit', () => {
  const done: string[] = [];
  for (let step = stepAfter(done); step !== 'commit'; step = stepAfter(done)) done.push(step);
  assert.deepEqual(done, [...installSteps]);
  assert.equal(stepAfter(['stage-release', 'something else']), 'backup-database');
});

test('a finished hook does not run again, a begun one is a repeat', () => {
  const ledger: HookLedger = [
    { id: 'a', state: 'finished' },
    { id: 'b', state: 'begun' },
  ];
  assert.deepEqual(
    hooksToRun(ledger, hooks, 'before-switch').map(({ hook: { id }, repeat }) => [id, repeat]),
    [
      ['b', true],
      ['c', false],
    ],
  );
  assert.deepEqual(
    hooksToRun(ledger, hooks, 'after-switch').map(({ hook: { id } }) => id),
    ['d'],
  );
});

test('whatever was begun and not undone is taken back, the last one first', () => {
  const ids = hooks.map(({ id }) => id);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...ids), fc.constantFrom('begun', 'finished', 'undone'))),
      (moves) => {
        let ledger: HookLedger = [];
        for (const [id, state] of moves) ledger = recordHook(ledger, id, state);
        const order = [...new Set(moves.map(([id]) => id))];
        const last = new Map(moves);
        const expected = order.filter((id) => id !== 'b' && last.get(id) !== 'undone').toReversed();
        assert.deepEqual(
          hooksToUndo(ledger, hooks).map(({ id }) => id),
          expected,
        );
      },
    ),
  );
});

test('fills placeholders anywhere in an argument and nothing else', () => {
  assert.deepEqual(
    fillCommand(['{node}', '--in={release}/x', '{other}', '{data}{data}'], {
      node: 'N',
      release: '/r',
      data: 'd',
    }),
    {
      kind: 'filled',
      argv: ['N', '--in=/r/x', '{other}', 'dd'],
    },
  );
});

test('says which placeholder has no meaning, and does not fill twice', () => {
  assert.deepEqual(fillCommand(['{node}', '{release}'], { node: '{release}' }), {
    kind: 'no-place',
    placeholder: '{release}',
  });
  assert.deepEqual(fillCommand(['{node}'], { node: '{release}' }), { kind: 'filled', argv: ['{release}'] });
});
