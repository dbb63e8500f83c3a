import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TrustStore } from '../../ports/trust-store.ts';

/** What every trust store must do. */
export interface TrustStoreSubject {
  readonly store: TrustStore;
  /** The same store as a process started anew finds it. */
  reopen(): TrustStore;
  close(): Promise<void>;
}

/** Runs the conformance suite of the port `TrustStore` on one adapter. */
export function trustStoreSuite(adapter: string, make: () => Promise<TrustStoreSubject>): void {
  const withStore = (work: (subject: TrustStoreSubject) => Promise<void>) => async (): Promise<void> => {
    const subject = await make();
    try {
      await work(subject);
    } finally {
      await subject.close();
    }
  };
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const equal = (actual: Uint8Array | undefined, expected: string): void => {
    assert.ok(actual);
    assert.equal(Buffer.from(actual).toString(), expected);
  };

  describe(`the trust store ${adapter}`, () => {
    test(
      'knows nothing at first',
      withStore(async ({ store }) => {
        assert.equal(await store.load('root'), undefined);
        assert.equal(await store.loadRoot(1), undefined);
        assert.equal(await store.timeFloor(), 0);
      }),
    );

    test(
      'keeps bytes as they are, also what is no text',
      withStore(async ({ store, reopen }) => {
        const odd = Uint8Array.from({ length: 256 }, (_, index) => index);
        await store.save('timestamp', odd);
        assert.deepEqual(Uint8Array.from((await reopen().load('timestamp')) ?? []), odd);
      }),
    );

    test(
      'replaces a role, also by something shorter',
      withStore(async ({ store, reopen }) => {
        await store.save('snapshot', bytes('the first one'));
        await store.save('snapshot', bytes('second'));
        equal(await store.load('snapshot'), 'second');
        equal(await reopen().load('snapshot'), 'second');
      }),
    );

    test(
      'keeps every root, the newest as the role',
      withStore(async ({ store, reopen }) => {
        await store.saveRoot(1, bytes('one'));
        await store.saveRoot(2, bytes('two'));
        const again = reopen();
        equal(await again.load('root'), 'two');
        equal(await again.loadRoot(1), 'one');
        equal(await again.loadRoot(2), 'two');
        assert.equal(await again.loadRoot(3), undefined);
      }),
    );

    test(
      'tells roles apart whatever they are called',
      withStore(async ({ store, reopen }) => {
        const names = [
          'a',
          'a/b',
          'a%2Fb',
          '../a',
          '..',
          '.',
          '?',
          '#',
          '*',
          'root_history/1.root',
          'time-floor',
          'é',
          'x'.repeat(255),
          '中'.repeat(255),
          '%sha256-00',
        ];
        for (const name of names) {
          await store.save(name, bytes(name));
        }
        const again = reopen();
        for (const name of names) {
          equal(await again.load(name), name);
        }
        assert.equal(await again.loadRoot(1), undefined);
        assert.equal(await again.timeFloor(), 0);
      }),
    );

    test(
      'does not change with the caller’s bytes',
      withStore(async ({ store }) => {
        const mine = bytes('mine');
        await store.save('targets', mine);
        mine.fill(0);
        (await store.load('targets'))?.fill(0);
        equal(await store.load('targets'), 'mine');
      }),
    );

    test(
      'raises the time floor and never lowers it',
      withStore(async ({ store, reopen }) => {
        await store.raiseTimeFloor(2000);
        await store.raiseTimeFloor(1000);
        assert.equal(await store.timeFloor(), 2000);
        await reopen().raiseTimeFloor(1999);
        assert.equal(await reopen().timeFloor(), 2000);
      }),
    );
  });
}
