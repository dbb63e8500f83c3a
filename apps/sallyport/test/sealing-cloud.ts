import { changeRepository } from '@sallyport/engine/cloud/cloud-tools';
import { serviceFile } from '@sallyport/engine/cloud/contents';
import { ExchangeDesk } from '@sallyport/engine/cloud/exchange-desk';
import { PublicationView } from '@sallyport/engine/cloud/publication-view';
import { withFiles } from '@sallyport/engine/cloud/repository/writer';
import { systemClock } from '@sallyport/engine/compute/clock';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { HpkeSealing } from '@sallyport/engine/compute/hpke-sealing';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import type { ExchangeService } from '@sallyport/engine/ports/exchange-service';
import { vendorServer } from '@sallyport/engine/transport/exchange-https/vendor-server';
import { decodeBase64 } from '@sallyport/core/wire/base64';
import { looksSealed, sealedFormat, sealedInfo } from '@sallyport/core/wire/sealed';
import { days } from '@sallyport/core/shared/units';
import type { FastifyInstance } from 'fastify';
import { openCloud, openDatabase } from '../src/cloud/open-cloud.ts';
import type { Cloud } from './cloud.ts';

const quiet = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A cloud service in this process that opens what was sealed, and counts what it was sent. */
export class SealingCloud {
  readonly url: URL;
  /** Envelopes of each exchange, in their order. */
  readonly exchanges: number[] = [];
  readonly #server: FastifyInstance;
  readonly #close: () => Promise<unknown>;

  private constructor(url: URL, server: FastifyInstance, exchanges: number[], close: () => Promise<unknown>) {
    this.url = url;
    this.#server = server;
    this.exchanges = exchanges;
    this.#close = close;
  }

  /** Serves the folder of a cloud in this process. */
  static async serve(cloud: Cloud): Promise<SealingCloud> {
    const options = { data: cloud.data };
    const tools = await openCloud(options);
    const database = await openDatabase(options);
    const desk = new ExchangeDesk({
      database,
      view: new PublicationView(tools),
      check: checkSignature,
      digestOf: nodeDigests.of,
      clock: systemClock,
      log: quiet,
      offerLifetimeMs: days(7),
    });
    const exchanges: number[] = [];
    const opening: ExchangeService = {
      enrol: (request) => desk.enrol(request),
      exchange: async (envelopes) => {
        exchanges.push(envelopes.length);
        return desk.exchange(await Promise.all(envelopes.map((bytes) => opened(bytes, tools))));
      },
    };
    const server = await vendorServer({
      repository: tools.repository,
      blobs: tools.blobs,
      exchange: opening,
      log: quiet,
    });
    const url = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
    return new SealingCloud(url, server, exchanges, async () => {
      await server.close();
      await database.close();
    });
  }

  /** The line breaks: whoever asks is turned away. */
  async close(): Promise<void> {
    this.#server.server.closeAllConnections();
    await this.#close();
  }
}

async function opened(
  bytes: Uint8Array,
  { keys }: Awaited<ReturnType<typeof openCloud>>,
): Promise<Uint8Array> {
  if (!looksSealed(bytes)) throw new TypeError('what a courier carries is sealed');
  const { to, key, ciphertext } = sealedFormat.parse(bytes);
  const secret = await keys.sealSecret(to);
  if (secret === undefined) throw new TypeError('it is sealed to nobody here');
  return new HpkeSealing().open(secret, sealedInfo, {
    key: decodeBase64(key) ?? new Uint8Array(),
    ciphertext: decodeBase64(ciphertext) ?? new Uint8Array(),
  });
}

/** Takes the key to seal to out of a vendor's `service.json`, as that of one who never made any. */
export async function withoutSealKey(cloud: Cloud): Promise<void> {
  process.env['SALLYPORT_PASSPHRASE'] = 'correct horse';
  await changeRepository(
    await openCloud({ data: cloud.data }),
    'name no key to seal to',
    async ({ state, contents }) => {
      const { sealKeys: _, ...rest } = contents.service;
      const service = serviceFile(rest);
      return {
        change: { catalog: withFiles(state.catalog.signed.targets, [service]), files: [service] },
        result: undefined,
      };
    },
    new AbortController().signal,
  );
}
