/**
 * The base of every error class here: one class per area, each with a closed set of codes.
 *
 * People read `message` (cause, place, remedy), programs read `code`. `details` holds only plain
 * values, so that it may be logged and sent as it is: never put a secret into it.
 */
export abstract class SallyportError<Code extends string> extends Error {
  readonly code: Code;
  readonly details: Readonly<Record<string, ErrorDetail>>;

  constructor(
    code: Code,
    message: string,
    details: Readonly<Record<string, ErrorDetail>> = {},
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.details = details;
  }
}

/** What an error may carry beside its message. */
export type ErrorDetail = string | number | boolean;

/** The message of whatever was thrown, for a log line or a status text. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
