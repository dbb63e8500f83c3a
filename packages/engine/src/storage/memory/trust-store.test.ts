import { trustStoreSuite } from '../test-support/trust-store-suite.ts';
import { MemoryTrustStore } from './trust-store.ts';

trustStoreSuite('in memory', async () => {
  const store = new MemoryTrustStore();
  return { store, reopen: () => store, close: async () => undefined };
});
