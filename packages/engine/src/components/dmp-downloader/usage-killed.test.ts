import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { payloadTypes, signDocument } from '@sallyport/core/wire/signed-document';
import { usageReportFormat } from '@sallyport/core/wire/usage';
import { nodeDigests } from '../../compute/digest.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import type { SiteDatabase, WriteTables } from '../../ports/site-database.ts';
import type { VendorExchange } from '../../ports/vendor-exchange.ts';
import { cas, UsageSite } from '../usage-reports/test-support/usage-site.ts';
import { sealing, UsageVendor } from './test-support/usage-vendor.ts';
import { usageChannel } from './usage-channel.ts';

const { signal } = new AbortController();

/** The process died: nothing that it calls from now on happens. */
class Killed extends Error {}

/** Kills at a write or a message: before it, or after it and before anybody heard of it. */
class Fuse {
  calls = 0;
  blown = false;
  readonly #at: number;
  readonly #moment: 'after' | 'before';

  constructor(at: number, moment: 'after' | 'before') {
    this.#at = at;
    this.#moment = moment;
  }

  database(real: SiteDatabase): SiteDatabase {
    return {
      read: (work) => {
        this.#requireAlive();
        return real.read(work);
      },
      write: <T>(work: (tables: WriteTables) => T): T => {
        const isLast = this.#begin();
        const answer = real.write(work);
        if (isLast) this.#blow();
        return answer;
      },
      onCommit: (listener) => real.onCommit(listener),
      backup: (path) => real.backup(path),
      close: () => real.close(),
    };
  }

  vendor(real: VendorExchange): VendorExchange {
    return {
      name: real.name,
      enrol: (request, within) => real.enrol(request, within),
      exchange: async (envelopes, within) => {
        const isLast = this.#begin();
        const answer = await real.exchange(envelopes, within);
        if (isLast) this.#blow();
        return answer;
      },
    };
  }

  /** Answers whether this call happens and is the last. */
  #begin(): boolean {
    this.#requireAlive();
    const isLast = this.calls === this.#at;
    this.calls += 1;
    if (isLast && this.#moment === 'before') this.#blow();
    return isLast;
  }

  #requireAlive(): void {
    if (this.blown) throw new Killed();
  }

  #blow(): never {
    this.blown = true;
    throw new Killed();
  }
}

/** Reports at level full, of which one is not receipted; a lower level; another report. Answers how many calls that took. */
async function story(t: TestContext, at: number, moment: 'after' | 'before'): Promise<number> {
  const site = await UsageSite.open(t);
  const vendor = new UsageVendor();
  const fuse = new Fuse(at, moment);
  const send = async (within: Fuse): Promise<void> => {
    const channel = {
      vendor: within.vendor(vendor),
      uplink: {
        desk: site.deskOn(within.database(site.database)),
        sign: (payload: Uint8Array) => signDocument(payloadTypes.usageReport, payload, vendor.operating),
        sealing,
      },
      service: vendor.service,
      hierarchyId: site.roster.hierarchyId,
      check: checkSignature,
      digests: nodeDigests,
      log: site.log,
    };
    await usageChannel(channel, signal).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
  };
  const chapters: readonly (() => void)[] = [
    () => site.chooses('full'),
    () => {
      vendor.fault = () => ({ envelopes: [], refused: [] });
    },
    () => {
      vendor.fault = (answer) => answer;
      site.chooses('basic');
    },
  ];
  for (const chapter of chapters) {
    await site.clock.advance(1000);
    chapter();
    site.collects(cas, 'full');
    await send(fuse);
    if (fuse.blown) await send(new Fuse(Infinity, 'before'));
  }
  await send(new Fuse(Infinity, 'before'));

  const history = site.database.read(({ reports }) => reports.history(99)).toReversed();
  assert.deepEqual(
    history.map(({ sequence }) => sequence),
    history.map((_, index) => index + 1),
  );
  assert.equal(history.at(-1)?.level, 'basic');
  const open = history.filter(({ state }) => state !== 'acknowledged');
  assert.ok(
    open.every(({ state, level }) => state === 'dropped' && level === 'full') && open.length <= 1,
    `nothing is lost but what the lower level took: ${JSON.stringify(open)}`,
  );
  const came = new Map<number, string>();
  for (const [sha256, payload] of vendor.payloads) {
    const { sequence } = usageReportFormat.parse(payload);
    assert.equal(came.get(sequence) ?? sha256, sha256, `report ${sequence} never is two`);
    came.set(sequence, sha256);
  }
  for (const { sequence, state, payloadSha256 } of history)
    if (state === 'acknowledged') assert.equal(came.get(sequence), payloadSha256);
  return fuse.calls;
}

test('a process that is killed at any write or message loses no report and sends none as two', async (t) => {
  const calls = await story(t, Infinity, 'before');
  assert.ok(calls >= 10, `only ${calls} calls`);
  for (let at = 0; at < calls; at += 1)
    for (const moment of ['before', 'after'] as const) await story(t, at, moment);
});
