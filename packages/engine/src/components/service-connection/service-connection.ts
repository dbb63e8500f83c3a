import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import type {
  DueResult,
  ImportResult,
  MediaAgeResult,
  MediaApiInput,
  PreparedResult,
} from '@sallyport/core/wire/api';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import { mediaAgeMaxMs } from '@sallyport/core/wire/media-policy';
import { formatDuration } from '@sallyport/core/shared/units';
import type { ConnectionPorts } from './connection-ports.ts';
import { keepEnrolment } from './enrolment.ts';
import { importMedia } from './import.ts';
import { readMediaPolicy, writeMediaPolicy } from './media-policy.ts';
import { prepareRequest } from './prepare.ts';

/** What the service connection tool asks of an offline top-tier site. One thing at a time: each changes what the next one sees. */
export class ServiceConnection {
  readonly #ports: ConnectionPorts;
  readonly #signal: AbortSignal;
  #last: Promise<unknown> = Promise.resolve();

  /** @param signal ends what is under way, when the site server stops */
  constructor(ports: ConnectionPorts, signal: AbortSignal) {
    this.#ports = ports;
    this.#signal = signal;
  }

  /** @throws {MediumError} */
  prepare({ enrolmentCode, ...input }: MediaApiInput<'tool-prepare'>): Promise<PreparedResult> {
    return this.#exclusively(() => {
      if (enrolmentCode !== undefined)
        this.#ports.database.write((tables) => keepEnrolment(tables, enrolmentCode));
      return prepareRequest(this.#ports, input);
    });
  }

  /** @throws {MediumError} */
  import({ from, by }: MediaApiInput<'tool-import'>): Promise<ImportResult> {
    this.#ports.log.info('{by} has media taken in from {from}', { by, from: from.join(', ') });
    return this.#exclusively(() => importMedia(this.#ports, from, this.#signal));
  }

  /** What a request file would carry out, in clear. */
  async due(): Promise<DueResult> {
    const { hierarchyId, vendorUrl, outgoing, releases, products, blobs, reports } = this.#ports;
    let heldBlobs = 0;
    for await (const _ of blobs.list()) heldBlobs += 1;
    const current = await Promise.all(products.map((product) => releases.current(product)));
    return {
      hierarchyId,
      vendorUrl,
      products: current.flatMap((release) =>
        release === undefined ? [] : [{ product: release.product, version: release.version }],
      ),
      heldBlobs,
      envelopes: (reports ? [...outgoing.due()] : []).map(
        ({ what, payloadSha256, payloadType, payload, envelope }) => ({
          what,
          payloadSha256,
          payloadType,
          sizeBytes: envelope.length,
          // A word that counts once is nobody's to read.
          payload: payloadType === payloadTypes.enrolment ? '' : new TextDecoder().decode(payload),
        }),
      ),
    };
  }

  mediaAge(): MediaAgeResult {
    const policy = this.#ports.database.read(readMediaPolicy);
    if (policy === undefined) return { maxAgeMs: 0 };
    const { maxAgeMs, changedAt, changedBy } = policy;
    return { maxAgeMs, changedAt, changedBy };
  }

  /** Decides how old media may be, for the whole hierarchy. Who did it and when stays in the record and in the log. */
  setMediaAge({ maxAgeMs, by }: MediaApiInput<'set-media-age'>): MediaAgeResult {
    const { database, clock, log } = this.#ports;
    const before = this.mediaAge();
    const at = clock.now();
    const allowed = Math.min(maxAgeMs, mediaAgeMaxMs);
    database.write((tables) => writeMediaPolicy(tables, { maxAgeMs: allowed, by, at }));
    log.warn('{by} lets media count {after} past their expiry; it was {before}', {
      by,
      after: formatDuration(allowed),
      before: formatDuration(before.maxAgeMs),
    });
    return this.mediaAge();
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    // The next one in the queue does not care how this one ended; its caller hears it.
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** The refusal of a site that exchanges with its vendor by itself. */
export function onlineSite(): MediumError {
  return new MediumError(
    'ONLINE',
    'this site exchanges with its vendor by itself, so nothing is carried for it: the service connection tool serves sites that were set up with --offline',
  );
}
