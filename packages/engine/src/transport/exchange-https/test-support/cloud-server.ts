import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { OperatingKeyStatement } from '@sallyport/core/domain/sites/site';
import type { TargetingFacts } from '@sallyport/core/domain/exchange/exchange';
import type { HierarchyId } from '@sallyport/core/shared/ids';
import { encodeBase64 } from '@sallyport/core/wire/base64';
import { enrolmentFormat } from '@sallyport/core/wire/enrolment';
import { encodeEnvelope, paeBytes } from '@sallyport/core/wire/dsse';
import { targetingFactsFormat } from '@sallyport/core/wire/facts';
import { hierarchyIdOf, signOperatingKey } from '@sallyport/core/wire/hierarchy-documents';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import fastify from 'fastify';
import { makeCodes } from '../../../cloud/enrolment.ts';
import { ExchangeDesk } from '../../../cloud/exchange-desk.ts';
import { PublicationView } from '../../../cloud/publication-view.ts';
import { type CloudFixture, newCloud } from '../../../cloud/test-support/cloud-fixture.ts';
import { nodeDigests } from '../../../compute/digest.ts';
import { nodeKeys } from '../../../compute/ed25519.ts';
import { HpkeSealing } from '../../../compute/hpke-sealing.ts';
import { checkSignature } from '../../../compute/signature-check.ts';
import type { CloudDatabase } from '../../../ports/cloud-database.ts';
import type { Signer } from '../../../ports/keys.ts';
import { SqliteCloudDatabase } from '../../../storage/sqlite/cloud/cloud-database.ts';
import { serveExchange } from '../serve-exchange.ts';
import { serveRepository } from '../serve-repository.ts';

export interface RunningCloud {
  readonly cloud: CloudFixture;
  readonly database: CloudDatabase;
  readonly url: string;
  code(): Promise<string>;
}

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A vendor's cloud that listens on loopback until the test ends. */
export async function runningCloud(
  context: TestContext,
  options: { readonly bodyMaxBytes?: number } = {},
): Promise<RunningCloud> {
  const cloud = await newCloud(context);
  const database = await SqliteCloudDatabase.open(join(cloud.folder, 'cloud.db'));
  const service = new ExchangeDesk({
    database,
    view: new PublicationView(cloud.tools),
    check: checkSignature,
    sealing: new HpkeSealing(),
    keys: cloud.tools.keys,
    digestOf: nodeDigests.of,
    clock: cloud.clock,
    log: quiet,
    offerLifetimeMs: 7 * 24 * 60 * 60 * 1000,
  });
  const server = fastify();
  await server.register(serveRepository, { repository: cloud.tools.repository });
  await server.register(serveExchange, { service, log: quiet, ...options });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  context.after(async () => {
    await server.close();
    await database.close();
  });
  const code = async (): Promise<string> =>
    (await makeCodes(database, cloud.tools.random, { count: 1, now: cloud.clock.now() }))[0] ?? '';
  return { cloud, database, url, code };
}

/** A customer's hierarchy, as far as its vendor knows it. */
export class TestHierarchy {
  readonly #recovery = nodeKeys.open(nodeKeys.generate());
  #operating: Signer = nodeKeys.open(nodeKeys.generate());
  #statementSequence = 1;
  readonly id: HierarchyId = hierarchyIdOf(this.#recovery.publicKey, nodeDigests.of);

  statement(changes: Partial<OperatingKeyStatement> = {}): Uint8Array {
    const statement: OperatingKeyStatement = {
      schema: 1,
      hierarchyId: this.id,
      sequence: this.#statementSequence,
      recoveryKey: this.#recovery.publicKey,
      operatingKey: this.#operating.publicKey,
      ...changes,
    };
    return Buffer.from(JSON.stringify(signOperatingKey(statement, this.#recovery)));
  }

  /** As after the loss of the operating key. */
  replaceOperatingKey(): void {
    this.#operating = nodeKeys.open(nodeKeys.generate());
    this.#statementSequence += 1;
  }

  facts(sequence: number, changes: Partial<TargetingFacts> = {}): TargetingFacts {
    return {
      schema: 1,
      hierarchyId: this.id,
      epoch: 1,
      sequence,
      collectedAt: '2026-11-24T00:00:00Z',
      ring: 'general',
      siteCounts: { central: 1, primary: 2, secondary: 0 },
      products: [],
      platform: { os: 'linux', arch: 'x64' },
      ...changes,
    };
  }

  /** @param signer whose operating key signs it; its own when not given */
  enrolment(code: string, signer: TestHierarchy = this): Uint8Array {
    const statement = encodeBase64(this.statement());
    const payload = enrolmentFormat.print({ schema: 1, hierarchyId: this.id, code, statement });
    return envelope(payloadTypes.enrolment, payload, signer.#operating);
  }

  report(facts: TargetingFacts): Uint8Array {
    return this.sign(payloadTypes.facts, targetingFactsFormat.print(facts));
  }

  /** By the operating key. */
  sign(payloadType: string, payload: Uint8Array): Uint8Array {
    return envelope(payloadType, payload, this.#operating);
  }
}

export function envelope(payloadType: string, payload: Uint8Array, signer: Signer): Uint8Array {
  const signature = signer.sign(paeBytes(payloadType, payload));
  return encodeEnvelope({ payloadType, payload, signatures: [{ keyId: signer.publicKey, signature }] });
}
