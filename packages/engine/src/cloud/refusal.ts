import { HierarchyError } from '@sallyport/core/domain/sites/hierarchy-error';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import { JsonError } from '@sallyport/core/wire/canonical-json';
import { WireError } from '@sallyport/core/wire/wire-error';
import type { RefusalCode } from '../ports/exchange-service.ts';

/** An envelope that is not accepted, and why: it never leaves the desk as an error. */
export class Refusal extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What an envelope is refused for. Anything else is a fault of ours, and ends the request. */
export function refusalOf(error: unknown): { readonly code: RefusalCode; readonly message: string } {
  if (error instanceof Refusal) {
    return { code: error.code, message: error.message };
  }
  if (error instanceof WireError || error instanceof JsonError) {
    return { code: 'MALFORMED', message: error.message };
  }
  if (error instanceof TrustError) {
    const malformed = error.code === 'MALFORMED' || error.code === 'TOO_LARGE';
    return { code: malformed ? 'MALFORMED' : 'FORGED', message: error.message };
  }
  if (error instanceof HierarchyError) {
    return { code: 'FORGED', message: error.message };
  }
  throw error;
}
