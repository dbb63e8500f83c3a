import {
  type MediumChoice,
  type MediumRequest,
  type MetadataVersions,
  type RequestPart,
} from '@sallyport/core/domain/exchange/medium';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import type { ServiceInfo } from '@sallyport/core/domain/updates/package';
import { digest } from '@sallyport/core/shared/ids';
import { sallyportVersion } from '@sallyport/core/shared/release';
import { canonicalJson } from '@sallyport/core/wire/canonical-json';
import { mediumRequestFormat } from '@sallyport/core/wire/medium';
import { printSealed, sealedInfo } from '@sallyport/core/wire/sealed';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import type { PreparedResult } from '@sallyport/core/wire/api';
import type { ConnectionPorts } from './connection-ports.ts';
import { connectionSettingName, readConnection } from './connection-setting.ts';
import { haveSetOf } from './have-set.ts';
import { haveName, requestName, rootName } from './request-names.ts';

/**
 * Writes a request file: all that is due out, sealed to the vendor, and what a courier has to know to bring back what
 * this hierarchy lacks. What is due stays due until a medium brings its receipts, so that a lost file loses nothing.
 *
 * @throws {MediumError} NO_SEAL_KEY, NOT_READY; EXISTS, FULL, UNREADABLE of the file's place
 */
export async function prepareRequest(
  ports: ConnectionPorts,
  { to, choice }: { readonly to: string; readonly choice?: MediumChoice },
): Promise<PreparedResult> {
  const { archives, log } = ports;
  const service = await serviceOf(ports);
  const sealKey = ports.reports ? sealKeyOf(service) : undefined;
  const root = await ports.trust.load('root');
  if (root === undefined) throw notReady('no trust root is pinned here');
  let request: MediumRequest | undefined;
  await archives.create(to, async (add) => {
    const parts: RequestPart[] = [];
    const addPart = async (
      part: Pick<RequestPart, 'envelope' | 'name'>,
      bytes: Uint8Array,
    ): Promise<void> => {
      await add(part.name, bytes);
      parts.push({ ...part, sizeBytes: bytes.length, sha256: digest(ports.digests.of('sha256', bytes)) });
    };
    if (sealKey !== undefined) await addEnvelopes(ports, sealKey, addPart);
    const have = await haveSetOf(ports.blobs);
    await addPart({ name: haveName }, have);
    await addPart({ name: rootName }, root);
    request = await requestOf(ports, { service, root, parts, heldBlobs: have.length / 8, choice });
    const payload = mediumRequestFormat.print(request);
    await add(requestName, canonicalJson(ports.sign(payloadTypes.mediumRequest, payload)));
  });
  if (request === undefined) throw new TypeError('an archive was made without being written');
  const envelopes = request.parts.flatMap(({ envelope, sizeBytes }) =>
    envelope === undefined ? [] : [{ what: envelope.what, payloadSha256: envelope.payloadSha256, sizeBytes }],
  );
  log.info(
    'Request {sequence} was prepared for a courier in {to}: {envelopes} envelopes, {held} blobs held',
    {
      sequence: request.sequence,
      to,
      envelopes: envelopes.length,
      held: request.heldBlobs,
    },
  );
  return {
    file: to,
    hierarchyId: request.hierarchyId,
    sequence: request.sequence,
    preparedAt: request.preparedAt,
    vendor: { ...request.vendor },
    envelopes,
    heldBlobs: request.heldBlobs,
  };
}

async function addEnvelopes(
  { outgoing, sealing }: ConnectionPorts,
  sealKey: string,
  addPart: (part: Pick<RequestPart, 'envelope' | 'name'>, bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  let count = 0;
  for (const { what, payloadSha256, envelope } of outgoing.due()) {
    outgoing.leaves(payloadSha256);
    const { key, ciphertext } = await sealing.seal(sealKey, sealedInfo, envelope);
    count += 1;
    const name = `envelope-${String(count).padStart(4, '0')}`;
    await addPart({ name, envelope: { what, payloadSha256 } }, printSealed(sealKey, key, ciphertext));
  }
  if (count === 0) throw notReady('this site has nothing to say yet');
}

async function requestOf(
  ports: ConnectionPorts,
  made: {
    readonly service: ServiceInfo;
    readonly root: Uint8Array;
    readonly parts: readonly RequestPart[];
    readonly heldBlobs: number;
    readonly choice: MediumChoice | undefined;
  },
): Promise<MediumRequest> {
  const { database, digests, clock, hierarchyId, vendorUrl } = ports;
  const at = clock.now();
  const trusted = await versionsOf(ports);
  const products = await productsOf(ports);
  const { epoch, sequence, lastImport } = database.write(({ settings, records }) => {
    const before = readConnection(settings);
    const own = records.epoch();
    const next = { ...before, epoch: own, sequence: before.epoch === own ? before.sequence + 1 : 1 };
    settings.put(connectionSettingName, { ...next, preparedAt: at });
    return next;
  });
  return {
    schema: 1,
    madeBy: sallyportVersion,
    hierarchyId,
    operatingKey: ports.identity().operatingKey,
    epoch,
    sequence,
    preparedAt: new Date(at).toISOString(),
    vendor: { name: made.service.vendor, url: vendorUrl },
    root: {
      version: parseMetadata('root', made.root).signed.version,
      sha256: digest(digests.of('sha256', made.root)),
    },
    ...(trusted === undefined ? {} : { trusted }),
    products,
    ...(made.choice === undefined ? {} : { choice: made.choice }),
    parts: made.parts,
    heldBlobs: made.heldBlobs,
    ...(lastImport === undefined ? {} : { lastImport }),
  };
}

async function versionsOf({ tufVersions }: ConnectionPorts): Promise<MetadataVersions | undefined> {
  const { root, timestamp = 0, snapshot = 0, targets = 0 } = await tufVersions();
  return root === undefined ? undefined : { root, timestamp, snapshot, targets };
}

async function productsOf({ releases, products }: ConnectionPorts): Promise<MediumRequest['products']> {
  const current = await Promise.all(products.map((product) => releases.current(product)));
  return current.flatMap((release) =>
    release === undefined ? [] : [{ product: release.product, version: release.version }],
  );
}

async function serviceOf({ documents }: ConnectionPorts): Promise<ServiceInfo> {
  const { service } = await documents.view();
  if (service === undefined) {
    throw notReady(
      'the vendor’s service.json has never been verified here; set the site up from a medium that has it',
    );
  }
  return service;
}

function sealKeyOf({ vendor, sealKeys = [] }: ServiceInfo): string {
  const [first] = sealKeys;
  if (first !== undefined) return first;
  throw new MediumError(
    'NO_SEAL_KEY',
    `${vendor} names no key to seal to in its service.json, so nothing may leave with a courier who could read it: ask the vendor to publish one ("sallyport cloud"), and bring its metadata here on a medium`,
    { vendor },
  );
}

function notReady(why: string): MediumError {
  return new MediumError('NOT_READY', `no request can be made yet: ${why}; try again in a moment`);
}
