import { CloudError } from '../../ports/cloud-error.ts';

/** One thing wrong with a package definition: where, what, and what to do about it. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** What is wrong, as a sentence without its full stop. */
  readonly message: string;
  readonly remedy: string;
}

/** Definitions that cannot be published, with every problem found in any of them. */
export class DefinitionError extends CloudError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
    super(
      'INVALID_DEFINITION',
      `nothing was published; ${count} found:\n${problems.map(formatProblem).join('\n')}`,
      {
        problems: problems.length,
      },
    );
    this.problems = problems;
  }
}

/** `file:line:column: message. Remedy.` as compilers print it, so that editors can jump there. */
export function formatProblem({ file, line, column, message, remedy }: Problem): string {
  return `${file}:${line}:${column}: ${message}. ${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.`;
}

/** Sorts problems as a person works through them. */
export function inReadingOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted(
    (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) || a.line - b.line || a.column - b.column,
  );
}
