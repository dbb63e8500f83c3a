import type { MediumIndex, MediumRequest } from '../domain/exchange/medium.ts';
import { MediumError, type MediumErrorCode } from '../domain/exchange/medium-error.ts';
import { HierarchyError } from '../domain/sites/hierarchy-error.ts';
import { TrustError } from '../domain/trust/trust-error.ts';
import { isJsonObject, JsonError, parseJson } from './canonical-json.ts';
import { parseEnvelope } from './dsse.ts';
import { type VerificationTools, verifyOperatingKey } from './hierarchy-documents.ts';
import { mediumIndexFormat, mediumRequestFormat, requestEnvelopeMaxBytes } from './medium.ts';
import { payloadTypes, verifiedPayload } from './signed-document.ts';
import { WireError } from './wire-error.ts';

/** Of indexes and requests: what this program can read. */
const knownSchema = 1;

/**
 * The request in the envelope of a request file, verified: the operating key signed it, and the hierarchy's id vouches
 * for that key.
 *
 * @param place for people: the file
 * @throws {MediumError} EDITED, TOOL_OLDER
 */
export function readMediumRequest(bytes: Uint8Array, place: string, tools: VerificationTools): MediumRequest {
  return judging('EDITED', place, () => {
    const { payload } = parseEnvelope(bytes, { maxBytes: requestEnvelopeMaxBytes });
    refuseNewer(payload, mediumRequestFormat.maxBytes, place);
    const request = mediumRequestFormat.parse(payload);
    const { operatingKey } = verifyOperatingKey(request.operatingKey, request.hierarchyId, tools);
    const expected = { payloadType: payloadTypes.mediumRequest, publicKey: operatingKey };
    const json = parseJson(bytes, { maxBytes: requestEnvelopeMaxBytes });
    if (verifiedPayload(json, expected, tools.check) === undefined)
      throw new TrustError('WRONG_TYPE', 'what should be a request is signed as something else');
    return request;
  });
}

/** The index of a medium. Nobody signs it: it says what to look for. @throws {MediumError} EDITED, TOOL_OLDER */
export function readMediumIndex(bytes: Uint8Array, place: string): MediumIndex {
  return judging('EDITED', place, () => {
    refuseNewer(bytes, mediumIndexFormat.maxBytes, place);
    return mediumIndexFormat.parse(bytes);
  });
}

function refuseNewer(bytes: Uint8Array, maxBytes: number, place: string): void {
  const json = parseJson(bytes, { maxBytes });
  if (!isJsonObject(json)) return;
  const { schema, madeBy } = json;
  if (typeof schema !== 'number' || schema <= knownSchema) return;
  const by = typeof madeBy === 'string' ? ` ${madeBy.slice(0, 50)}` : '';
  throw new MediumError(
    'TOOL_OLDER',
    `${place} was made by a newer release${by} than this program can read: use the tool of that release`,
    { place, schema },
  );
}

function judging<T>(code: MediumErrorCode, place: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (
      cause instanceof WireError ||
      cause instanceof JsonError ||
      cause instanceof TrustError ||
      cause instanceof HierarchyError
    ) {
      throw new MediumError(
        code,
        `${place} is not as it was made: it was altered or damaged on its way (${cause.message}); make it anew`,
        { place, why: cause.code },
        { cause },
      );
    }
    throw cause;
  }
}
