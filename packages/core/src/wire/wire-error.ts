import { SallyportError } from '../shared/errors.ts';

/** One thing that is wrong with a document. */
export interface Problem {
  /** JSON Pointer to where it is: `/packages/0/guid`; empty for the document as a whole. */
  readonly path: string;
  /** What is wrong, as a clause: `must be a version such as 5.9.2`. */
  readonly message: string;
}

/** `TOO_LARGE`: more bytes than allowed; `NOT_JSON`: no strict JSON; `INVALID`: JSON, but not the document. */
export type WireErrorCode = 'INVALID' | 'NOT_JSON' | 'TOO_LARGE';

const shownMax = 5;

/** A document from outside that is not what it should be. Everything found is in `problems`. */
export class WireError extends SallyportError<WireErrorCode> {
  readonly problems: readonly Problem[];

  constructor(
    code: WireErrorCode,
    document: string,
    problems: readonly Problem[],
    options: { readonly cause?: unknown } = {},
  ) {
    const shown = problems
      .slice(0, shownMax)
      .map(({ path, message }) => (path === '' ? message : `${path} ${message}`));
    const rest = problems.length > shownMax ? `; and ${problems.length - shownMax} more` : '';
    super(
      code,
      `the ${document} is not valid: ${shown.join('; ')}${rest}`,
      { document, problems: problems.length, first: problems[0]?.path ?? '' },
      options,
    );
    this.problems = problems;
  }
}
