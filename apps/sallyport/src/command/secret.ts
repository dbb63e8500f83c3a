import { SallyportError } from '@sallyport/core/shared/errors';
import { readGivenFile } from './given-file.ts';

export type SecretErrorCode = 'EMPTY' | 'TWICE';

/** A word that must not stand on a command line could not be had from where it is. */
class SecretError extends SallyportError<SecretErrorCode> {}

/** A word of ours is far shorter; whatever is longer is another file. */
const maxBytes = 64 * 1024;

/** A word that the command line gives as it is (`--join WORD`), or as the place where it is. */
export interface SecretOption {
  /** For people: `join token`. */
  readonly what: string;
  readonly word: string | undefined;
  /** `-` is standard input. */
  readonly file: string | undefined;
  readonly wordOption: string;
  readonly fileOption: string;
}

/**
 * A secret word from a file or from standard input: whoever lists processes reads what stands on command lines.
 *
 * @returns undefined when the command line names neither
 * @throws {SecretError} {GivenFileError}
 */
export async function secretOf(option: SecretOption): Promise<string | undefined> {
  const { what, word, file, wordOption, fileOption } = option;
  if (file === undefined) return word;
  if (word !== undefined)
    throw new SecretError('TWICE', `the ${what} is given twice: leave out ${wordOption} or ${fileOption}`);
  const text = (await readGivenFile(file, `the file of the ${what}`, maxBytes)).toString('utf8').trim();
  if (text !== '') return text;
  const place = file === '-' ? 'standard input' : file;
  throw new SecretError(
    'EMPTY',
    `${place} has no ${what} in it: write it there, on one line, and name the place with ${fileOption}`,
    { place },
  );
}
