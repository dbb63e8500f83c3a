import { ContentError, type ContentErrorCode } from '@sallyport/core/domain/content/content-error';

/** For `assert.rejects`: a ContentError with one of these codes. */
export function contentError(...codes: readonly ContentErrorCode[]): (thrown: unknown) => boolean {
  return (thrown) => {
    if (thrown instanceof ContentError && codes.includes(thrown.code)) {
      return true;
    }
    throw new Error(`expected a ContentError ${codes.join(' or ')}`, { cause: thrown });
  };
}
