import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import type { Offer, Receipt } from '@sallyport/core/domain/exchange/exchange';
import { parseEnvelope } from '@sallyport/core/wire/dsse';
import { parseOffer } from '@sallyport/core/wire/offer';
import { parseReceipt } from '@sallyport/core/wire/receipt';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import { nodeDigests } from '../../compute/digest.ts';
import { HpkeSealing } from '../../compute/hpke-sealing.ts';
import { checkSignature } from '../../compute/signature-check.ts';
import type { RefusedEnvelope } from '../../ports/exchange-service.ts';
import { SqliteCloudDatabase } from '../../storage/sqlite/cloud/cloud-database.ts';
import { readPublished } from '../cloud-tools.ts';
import { makeCodes } from '../enrolment.ts';
import { ExchangeDesk, type ExchangeDeskOptions } from '../exchange-desk.ts';
import { PublicationView } from '../publication-view.ts';
import { type CloudFixture, newCloud } from './cloud-fixture.ts';
import { ReportingHierarchy } from './reporting-hierarchy.ts';

export const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A vendor's exchange desk on a real repository and database, without a server in front. */
export interface DeskFixture {
  readonly cloud: CloudFixture;
  readonly database: SqliteCloudDatabase;
  readonly databasePath: string;
  readonly view: PublicationView;
  readonly desk: ExchangeDesk;
  /** Sends envelopes; answers what came back, read. */
  send(...envelopes: readonly Uint8Array[]): Promise<Answered>;
  /** A made-up hierarchy that is enrolled. */
  enrolled(): Promise<ReportingHierarchy>;
  /** The first key of `service.json` to seal to. */
  sealKey(): Promise<string>;
}

export interface Answered {
  readonly receipts: readonly Receipt[];
  readonly offers: readonly Offer[];
  readonly refused: readonly RefusedEnvelope[];
}

export async function newDesk(
  context: TestContext,
  options: Partial<ExchangeDeskOptions> = {},
): Promise<DeskFixture> {
  const cloud = await newCloud(context);
  const databasePath = join(cloud.folder, 'cloud.db');
  const database = await SqliteCloudDatabase.open(databasePath);
  context.after(() => database.close());
  const view = new PublicationView(cloud.tools);
  const desk = new ExchangeDesk({
    database,
    view,
    check: checkSignature,
    sealing: new HpkeSealing(),
    keys: cloud.tools.keys,
    digestOf: nodeDigests.of,
    clock: cloud.clock,
    log: quiet,
    offerLifetimeMs: 7 * 24 * 60 * 60 * 1000,
    ...options,
  });
  return {
    cloud,
    database,
    databasePath,
    view,
    desk,
    send: async (...envelopes) => {
      const answer = await desk.exchange(envelopes);
      const read = answer.envelopes.map((bytes) => parseEnvelope(bytes, { maxBytes: 1e7 }));
      const of = (type: string) => read.filter(({ payloadType }) => payloadType === type);
      return {
        receipts: of(payloadTypes.receipt).map(({ payload }) => parseReceipt(payload)),
        offers: of(payloadTypes.offer).map(({ payload }) => parseOffer(payload)),
        refused: answer.refused,
      };
    },
    enrolled: async () => {
      const hierarchy = new ReportingHierarchy();
      const [code = ''] = await makeCodes(database, cloud.tools.random, {
        count: 1,
        now: cloud.clock.now(),
      });
      const request = { code, hierarchyId: hierarchy.id, statement: hierarchy.statement() };
      assert.deepEqual(await desk.enrol(request), { kind: 'enrolled' });
      return hierarchy;
    },
    sealKey: async () => (await readPublished(cloud.tools)).contents.service.sealKeys?.[0] ?? '',
  };
}

/** All rows of a query, by a connection of its own. */
export function rowsOf(path: string, query: string): readonly Record<string, unknown>[] {
  const raw = new DatabaseSync(path, { readOnly: true });
  try {
    return raw
      .prepare(query)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    raw.close();
  }
}
