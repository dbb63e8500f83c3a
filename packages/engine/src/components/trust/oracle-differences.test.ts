import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { TufRepository } from '@sallyport/core/domain/trust/test-support/tuf-repository';
import { TwoClients, type Verdict } from './test-support/oracle.ts';
import {
  accepted,
  type Answer,
  below,
  differences,
  hello,
  nowMs,
} from './test-support/oracle-differences.ts';

for (const { section, name, path = 'file', change, ours, tufJs } of differences) {
  test(`other than tuf-js, by TUF ${section}: ${name}`, async (context) => {
    mock.timers.enable({ apis: ['Date'], now: nowMs });
    context.after(() => mock.timers.reset());
    const repo = new TufRepository({ nowMs });
    await using clients = await TwoClients.open(repo);
    change(repo);
    assert.equal(answer(await clients.ours(nowMs, [], [path]), path), ours);
    assert.equal(answer(await clients.oracle([], [path]), path), tufJs, 'tuf-js has changed: see again');
  });
}

test('other than tuf-js, by TUF 5.5.2: a stored snapshot is not the one that is named only because of its version', async (context) => {
  mock.timers.enable({ apis: ['Date'], now: nowMs });
  context.after(() => mock.timers.reset());
  const repo = new TufRepository({ nowMs });
  await using clients = await TwoClients.open(repo);
  await clients.ours(nowMs, [], []);
  await clients.oracle([], []);
  repo.addTarget('file', hello);
  repo.publish('targets');
  repo.serve('snapshot', repo.sign('snapshot'));
  repo.publish('timestamp');
  assert.equal(answer(await clients.ours(nowMs, [], ['file']), 'file'), 'accepted');
  assert.equal(
    answer(await clients.oracle([], ['file']), 'file'),
    'unknown',
    'tuf-js has changed: see again',
  );
});

test('other than tuf-js, by TUF 5.6.6: what was stored of a role with a slash in its name is found again', async (context) => {
  mock.timers.enable({ apis: ['Date'], now: nowMs });
  context.after(() => mock.timers.reset());
  const repo = new TufRepository({ nowMs });
  await using clients = await TwoClients.open(repo);
  below(repo, 'file', { paths: ['*'] }, 'with/slash');
  assert.equal(answer(await clients.ours(nowMs, [], ['file']), 'file'), 'accepted');
  assert.equal(answer(await clients.oracle([], ['file']), 'file'), 'accepted');
  repo.metadataFiles.delete(repo.fileName('with/slash'));
  assert.equal(answer(await clients.ours(nowMs, [], ['file']), 'file'), 'accepted');
  assert.equal(
    answer(await clients.oracle([], ['file']), 'file'),
    'refused',
    'tuf-js has changed: see again',
  );
});

function answer(verdict: Verdict, path: string): Answer {
  if (!verdict.refreshed) return 'refused as a whole';
  const found = verdict.found[path];
  if (found === 'unknown' || found === 'refused') return found;
  assert.equal(found, accepted);
  return 'accepted';
}
