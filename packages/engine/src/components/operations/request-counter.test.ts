import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OperationError } from './operation-error.ts';
import { RequestCounter } from './request-counter.ts';

test('counts each call, and refusals by code, and changes nothing of what comes back', async () => {
  const counter = new RequestCounter();
  const { list, show } = counter.counted({
    list: { input: 'of list', handle: async (input: string) => `list ${input}` },
    show: {
      input: 'of show',
      handle: async (input: string): Promise<string> => {
        if (input === 'fault') throw new TypeError('a fault');
        throw new OperationError('NOT_FOUND', `package "${input}" is unknown`, {});
      },
    },
  });
  assert.ok(list !== undefined && show !== undefined);
  assert.deepEqual(counter.counts(), []);
  assert.equal(list.input, 'of list');
  assert.equal(await list.handle('all'), 'list all');
  await list.handle('all');
  await assert.rejects(show.handle('someone'), { code: 'NOT_FOUND' });
  await assert.rejects(show.handle('fault'), TypeError);
  assert.deepEqual(counter.counts(), [
    { operation: 'list', count: 2, refused: {} },
    { operation: 'show', count: 2, refused: { FAULT: 1, NOT_FOUND: 1 } },
  ]);
});
