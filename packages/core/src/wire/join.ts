import { type TSchema, Type } from 'typebox';
import { HierarchyError } from '../domain/sites/hierarchy-error.ts';
import type { EnvelopeJson, JoinReply, JoinRequest, JoinToken } from '../domain/sites/joining.ts';
import { decodeBase64, encodeBase64 } from './base64.ts';
import { canonicalJson } from './canonical-json.ts';
import { type DocumentFormat, documentFormat } from './document-format.ts';
import { countField, hierarchyIdField, publicKeyField, siteCodeField, textField } from './fields.ts';
import { WireError } from './wire-error.ts';

export type { JoinReply, JoinRequest, JoinToken } from '../domain/sites/joining.ts';

const hexField = Type.String({ pattern: '^[0-9a-f]{64}$' });
const tokenId = Type.String({ pattern: '^[0-9a-f]{32}$' });
const childType = Type.Enum(['primary', 'secondary']);

const addressPattern = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})$/;

/** Whether a text is where a link can be reached: `host:port`, the port from 1 to 65535. */
export function isLinkAddress(text: string): boolean {
  const port = Number(addressPattern.exec(text)?.[1]);
  return text.length <= 300 && port >= 1 && port <= 65_535;
}

const tokenSchema = Type.Object({
  schema: Type.Literal(1),
  id: tokenId,
  address: Type.Refine(Type.String(), isLinkAddress, () => 'must be host:port, the port from 1 to 65535'),
  hierarchyId: hierarchyIdField,
  parentKey: publicKeyField,
  parent: siteCodeField,
  code: siteCodeField,
  type: childType,
  secret: hexField,
  expiresAt: countField(),
} satisfies Record<keyof JoinToken, TSchema>);

const tokenFormat: DocumentFormat<JoinToken> = documentFormat({
  name: 'join token',
  maxBytes: 4096,
  schema: tokenSchema,
});
const tokenPrefix = 'sallyport-join-1.';

/** The token as one word that survives mail, shells and line breaks. */
export function printJoinToken(token: JoinToken): string {
  return (
    tokenPrefix +
    encodeBase64(tokenFormat.print(token)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  );
}

/**
 * @throws {HierarchyError} BAD_TOKEN
 */
export function parseJoinToken(text: string): JoinToken {
  const word = text.replaceAll(/\s/g, '');
  if (!word.startsWith(tokenPrefix) || word.length > 8192) {
    throw badToken(`it does not begin with "${tokenPrefix}"`);
  }
  const digits = word.slice(tokenPrefix.length).replaceAll('-', '+').replaceAll('_', '/');
  const bytes = decodeBase64(digits.padEnd(Math.ceil(digits.length / 4) * 4, '='));
  if (bytes === undefined) {
    throw badToken('it is cut off or has other characters in it');
  }
  try {
    return tokenFormat.parse(bytes);
  } catch (cause) {
    if (cause instanceof WireError) {
      throw badToken(cause.message, cause);
    }
    throw cause;
  }
}

function badToken(why: string, cause?: unknown): HierarchyError {
  return new HierarchyError(
    'BAD_TOKEN',
    `the join token cannot be read (${why}): copy it again from the site that issued it, whole and in one piece`,
    {},
    { cause },
  );
}

const joinRequestSchema = Type.Object({
  schema: Type.Literal(1),
  hierarchyId: hierarchyIdField,
  tokenId,
  code: siteCodeField,
  type: childType,
  parent: siteCodeField,
  key: publicKeyField,
  mac: hexField,
} satisfies Record<keyof JoinRequest, TSchema>);

export const joinRequestFormat: DocumentFormat<JoinRequest> = documentFormat({
  name: 'join request',
  maxBytes: 4096,
  schema: joinRequestSchema,
});

/** What `mac` covers: everything that the top-tier site will sign into the roster. */
export function joinMacInput(request: Omit<JoinRequest, 'mac' | 'schema'>): Uint8Array {
  const { hierarchyId, tokenId: id, code, type, parent, key } = request;
  return canonicalJson({ hierarchyId, tokenId: id, code, type, parent, key });
}

/** A signed document as JSON, as far as its form goes. */
export const envelopeField = Type.Unsafe<EnvelopeJson>(
  Type.Object({
    payloadType: Type.String({ maxLength: 200 }),
    payload: Type.String(),
    signatures: Type.Array(
      Type.Object({ keyid: Type.String({ maxLength: 200 }), sig: Type.String({ maxLength: 2000 }) }),
      {
        minItems: 1,
        maxItems: 8,
      },
    ),
  }),
);

const joinReplySchema = Type.Union([
  Type.Object({ state: Type.Literal('pending'), reason: textField(4000) }),
  Type.Object({ state: Type.Literal('accepted'), operatingKey: envelopeField, roster: envelopeField }),
  Type.Object({
    state: Type.Literal('refused'),
    code: textField(100),
    reason: textField(8000),
  }),
]);

export const joinReplyFormat: DocumentFormat<JoinReply> = documentFormat({
  name: 'answer to a join request',
  maxBytes: 32 * 1024 * 1024,
  schema: joinReplySchema,
});

/** A request on its way to the top-tier site, as the body of a `join-request` record. */
export const relayedRequestFormat = documentFormat({
  name: 'relayed join request',
  maxBytes: 8192,
  schema: Type.Object({ id: hexField, request: joinRequestSchema }),
});

/** The top-tier site's answer, as the body of a `join-answer` record. Who was accepted stands in the roster. */
export const joinAnswerFormat = documentFormat({
  name: 'join answer',
  maxBytes: 16 * 1024,
  schema: Type.Object({
    id: hexField,
    outcome: Type.Union([
      Type.Object({ state: Type.Literal('accepted') }),
      Type.Object({
        state: Type.Literal('refused'),
        code: textField(100),
        reason: textField(8000),
      }),
    ]),
  }),
});
