import { InvalidArgumentError } from 'commander';
import { messageOf } from '@sallyport/core/shared/errors';
import { siteCode, type SiteCode } from '@sallyport/core/shared/ids';

/**
 * A parser of numbers above 0 for commander, which ends wrong ones with exit code 2 before anything is asked.
 *
 * @param max the largest that makes sense
 */
export function positiveNumber(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value > 0 && value <= max)) {
      throw new InvalidArgumentError(`It must be a number above 0 and at most ${max}.`);
    }
    return value;
  };
}

/** As `positiveNumber`, and without a fraction. */
export function wholeNumber(max: number): (text: string) => number {
  const positive = positiveNumber(max);
  return (text) => {
    const value = positive(text);
    if (!Number.isInteger(value)) throw new InvalidArgumentError('It must be a whole number.');
    return value;
  };
}

export function siteCodeArgument(text: string): SiteCode {
  return wellFormed(() => siteCode(text));
}

/** For options that take several. */
export function siteCodesArgument(text: string, before: readonly SiteCode[] = []): readonly SiteCode[] {
  return [...before, siteCodeArgument(text)];
}

/** One warning by name: `PR1:free-disk`. */
export interface NamedWarning {
  readonly site: SiteCode;
  readonly prerequisite: string;
}

export function warningsArgument(
  text: string,
  before: readonly NamedWarning[] = [],
): readonly NamedWarning[] {
  const at = text.indexOf(':');
  if (at < 0 || at === text.length - 1)
    throw new InvalidArgumentError('Write SITE:PREREQUISITE, as "sallyport update warnings" shows them.');
  return [...before, { site: siteCodeArgument(text.slice(0, at)), prerequisite: text.slice(at + 1) }];
}

function wellFormed<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}
