import type { RecordFields } from '../domain/sites/record.ts';
import type { DigestOf } from '../domain/trust/key.ts';
import { canonicalJson } from './canonical-json.ts';

/**
 * SHA-256 of the canonical JSON of {owner, kind, key, epoch, n, body}: what tells two writes of one version apart.
 *
 * @throws {JsonError} UNPRINTABLE for a body with fractions, infinities or halves of surrogate pairs
 */
export function recordHash(fields: RecordFields, digestOf: DigestOf): string {
  const { owner, kind, key, epoch, n, body } = fields;
  return digestOf('sha256', canonicalJson({ owner, kind, key, epoch, n, body }));
}
