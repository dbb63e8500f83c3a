import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { SallyportError } from '@sallyport/core/shared/errors';
import { readGivenFile } from './given-file.ts';

export type PassphraseErrorCode = 'DIFFERENT' | 'MISSING';

/** A passphrase could not be had. */
class PassphraseError extends SallyportError<PassphraseErrorCode> {}

/** A passphrase is a line, not a file. */
const maxBytes = 64 * 1024;

/** What is in a file, without a line break at its end. @throws {GivenFileError} */
export async function readPassphraseFile(file: string): Promise<string> {
  const bytes = await readGivenFile(file, 'the passphrase file', maxBytes);
  return bytes.toString('utf8').replace(/\r?\n$/, '');
}

/**
 * The passphrase of the environment variable SALLYPORT_PASSPHRASE, else of whoever sits at the terminal; undefined
 * when there is neither.
 *
 * @param what what it is for: `the recovery key`
 * @param confirm it is a new one, so a terminal is asked twice
 * @throws {PassphraseError} DIFFERENT
 */
export async function givenPassphrase(what: string, confirm: boolean): Promise<string | undefined> {
  const given = process.env['SALLYPORT_PASSPHRASE'];
  if (given !== undefined) return given;
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const passphrase = await askOnce(confirm ? `New passphrase for ${what}: ` : `Passphrase of ${what}: `);
  if (confirm && (await askOnce('The same again: ')) !== passphrase) {
    throw new PassphraseError('DIFFERENT', 'the two passphrases differ: nothing was made; try again');
  }
  return passphrase;
}

/**
 * A new passphrase for one thing, from a file, the environment or the terminal.
 *
 * @throws {PassphraseError} MISSING when it is nowhere or empty
 */
export async function newPassphrase(what: string, file: string | undefined): Promise<string> {
  const passphrase = file === undefined ? await givenPassphrase(what, true) : await readPassphraseFile(file);
  if (passphrase === undefined || passphrase === '') {
    throw new PassphraseError(
      'MISSING',
      `a passphrase is needed for ${what}: give --passphrase-file, or set SALLYPORT_PASSPHRASE, or sit at a terminal`,
    );
  }
  return passphrase;
}

/** Reads a line from the terminal without showing it. */
export async function askOnce(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await terminal.question('');
  } finally {
    terminal.close();
    process.stderr.write('\n');
  }
}
