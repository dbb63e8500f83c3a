import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { TargetFile } from '@sallyport/core/domain/trust/documents';
import type { Rollout } from '@sallyport/core/domain/updates/package';
import type { RolloutInput } from '@sallyport/core/domain/updates/selection-input';
import { messageOf, SallyportError } from '@sallyport/core/shared/errors';
import { digest } from '@sallyport/core/shared/ids';
import type { TrustProblem } from './trusted-view.ts';

/** A document that the content library has lost, or found damaged, is a problem until the next refresh. */
export async function unlessDamaged<T>(
  read: () => Promise<T>,
): Promise<
  { readonly kind: 'whole'; readonly value: T } | { readonly kind: 'damaged'; readonly problem: TrustProblem }
> {
  try {
    return { kind: 'whole', value: await read() };
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    const message = `a document of the vendor cannot be read here: ${error.message}; check for updates to fetch it again`;
    return { kind: 'damaged', problem: { code: error.code, message } };
  }
}

/** What selection may use of a roll-out. */
export function rolloutInput(rollout: Rollout | undefined, problem: TrustProblem | undefined): RolloutInput {
  if (rollout !== undefined && problem === undefined) return { kind: 'rollout', rollout };
  return {
    kind: 'absent',
    why: rollout !== undefined && problem?.code === 'EXPIRED' ? 'expired' : 'missing',
  };
}

/** Whether trusted metadata name these very bytes. */
export function names(info: TargetFile, blob: BlobRef): boolean {
  const sha256 = info.hashes.get('sha256');
  return sha256 !== undefined && digest(sha256) === blob.sha256 && info.lengthBytes === blob.sizeBytes;
}

/** What an error says, for people and for programs. */
export function problemOf(error: unknown): TrustProblem {
  return { code: error instanceof SallyportError ? error.code : 'FAILED', message: messageOf(error) };
}
