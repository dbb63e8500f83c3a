import { HierarchyError } from '../domain/sites/hierarchy-error.ts';
import { rosterDefects } from '../domain/sites/roster.ts';
import type { OperatingKeyStatement, Roster } from '../domain/sites/site.ts';
import type { DigestOf, SignatureCheck } from '../domain/trust/key.ts';
import { TrustError } from '../domain/trust/trust-error.ts';
import type { Order } from '../domain/updates/order.ts';
import { hierarchyId, type HierarchyId } from '../shared/ids.ts';
import { decodeHex } from './hex.ts';
import { orderFormat, parseOrder } from './order.ts';
import { JsonError } from './canonical-json.ts';
import { operatingKeyFormat, parseOperatingKeyStatement, parseRoster, rosterFormat } from './roster.ts';
import {
  type DocumentSigner,
  envelopeOf,
  type EnvelopeJson,
  payloadTypes,
  signDocument,
  verifiedPayload,
} from './signed-document.ts';
import { WireError } from './wire-error.ts';

/** What verifying takes from outside. */
export interface VerificationTools {
  readonly check: SignatureCheck;
  readonly digestOf: DigestOf;
}

/** A hierarchy's id: the SHA-256 of its recovery public key. */
export function hierarchyIdOf(recoveryKey: string, digestOf: DigestOf): HierarchyId {
  return hierarchyId(digestOf('sha256', decodeHex(recoveryKey) ?? new Uint8Array()));
}

/** The recovery key's word for an operating key. */
export function signOperatingKey(statement: OperatingKeyStatement, recovery: DocumentSigner): EnvelopeJson {
  return signDocument(payloadTypes.operatingKey, operatingKeyFormat.print(statement), recovery);
}

export function signRoster(roster: Roster, operating: DocumentSigner): EnvelopeJson {
  return signDocument(payloadTypes.roster, rosterFormat.print(roster), operating);
}

export function signOrder(order: Order, operating: DocumentSigner): EnvelopeJson {
  return signDocument(payloadTypes.order, orderFormat.print(order), operating);
}

/**
 * Follows the chain from a hierarchy's id: the id names the recovery key, and that key signed the statement.
 *
 * @throws {HierarchyError} FORGED
 */
export function verifyOperatingKey(
  envelope: unknown,
  id: HierarchyId,
  tools: VerificationTools,
): OperatingKeyStatement {
  // The key that verifies stands in the payload itself; it is believed because its digest is the pinned id.
  const claimed = believing(
    () => parseOperatingKeyStatement(envelopeOf(envelope).payload),
    'operating key statement',
  );
  if (claimed.hierarchyId !== id || hierarchyIdOf(claimed.recoveryKey, tools.digestOf) !== id) {
    throw new HierarchyError(
      'FORGED',
      `the operating key statement speaks for the hierarchy ${claimed.hierarchyId}, not for ${id}: it comes from another hierarchy or from an impostor`,
      { hierarchy: id },
    );
  }
  verified(envelope, payloadTypes.operatingKey, claimed.recoveryKey, 'operating key statement', tools);
  return claimed;
}

/**
 * A roster that the hierarchy's operating key signed and that can be followed.
 *
 * @throws {HierarchyError} FORGED, BAD_ROSTER
 */
export function verifyRoster(
  envelope: unknown,
  statement: OperatingKeyStatement,
  tools: VerificationTools,
): Roster {
  const payload = verified(envelope, payloadTypes.roster, statement.operatingKey, 'roster', tools);
  const roster = believing(() => parseRoster(payload), 'roster');
  requireHierarchy(roster.hierarchyId, statement, 'roster');
  const defects = rosterDefects(roster);
  if (defects.length > 0) {
    throw new HierarchyError(
      'BAD_ROSTER',
      `roster ${roster.version} cannot be followed: ${defects.join(' ')}`,
      {
        version: roster.version,
      },
    );
  }
  return roster;
}

/**
 * An order that the hierarchy's operating key signed. Sequence, addressee and content are the caller's to judge.
 *
 * @throws {HierarchyError} FORGED
 */
export function verifyOrder(
  envelope: unknown,
  statement: OperatingKeyStatement,
  tools: VerificationTools,
): Order {
  const payload = verified(envelope, payloadTypes.order, statement.operatingKey, 'order', tools);
  const order = believing(() => parseOrder(payload), 'order');
  requireHierarchy(order.hierarchyId, statement, 'order');
  return order;
}

function verified(
  envelope: unknown,
  payloadType: string,
  publicKey: string,
  what: string,
  { check }: VerificationTools,
): Uint8Array {
  const payload = believing(() => verifiedPayload(envelope, { payloadType, publicKey }, check), what);
  if (payload === undefined) {
    throw new HierarchyError('FORGED', `what should be a signed ${what} is signed as something else`, {
      what,
    });
  }
  return payload;
}

function requireHierarchy(id: HierarchyId, statement: OperatingKeyStatement, what: string): void {
  if (id !== statement.hierarchyId) {
    throw new HierarchyError(
      'FORGED',
      `the ${what} is made for the hierarchy ${id}, not for ${statement.hierarchyId}`,
      {
        what,
        hierarchy: statement.hierarchyId,
      },
    );
  }
}

/** Whatever is wrong with it: a document that does not read or verify was not made by the hierarchy's keys. */
function believing<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof TrustError || cause instanceof WireError || cause instanceof JsonError) {
      throw new HierarchyError(
        'FORGED',
        `the ${what} was not made by the hierarchy's keys: ${cause.message}`,
        { what, cause: cause.code },
        { cause },
      );
    }
    throw cause;
  }
}
