import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { CloudError } from '@sallyport/engine/ports/cloud-error';

/**
 * Where the passphrases of offline keys come from: `--passphrase-file [KEY=]FILE` (for one key, or for all that have
 * none of their own), else the environment variable SALLYPORT_PASSPHRASE, else the terminal, asked once.
 */
export class Passphrases {
  readonly #files: ReadonlyMap<string, string>;
  readonly #confirm: boolean;
  readonly #read = new Map<string, Promise<string>>();
  #asked: Promise<string> | undefined;

  /** @param options `confirm`: the passphrase is a new one, so a terminal is asked twice */
  constructor(files: readonly string[], options: { readonly confirm: boolean }) {
    this.#files = new Map(files.map(splitOption));
    this.#confirm = options.confirm;
  }

  /** The passphrase for a key by its name (`root-1`); undefined when there is no way to have one. @throws {CloudError} BAD_REQUEST */
  async of(name: string): Promise<string | undefined> {
    const file = this.#files.get(name) ?? this.#files.get('');
    if (file !== undefined) {
      let passphrase = this.#read.get(file);
      if (passphrase === undefined) {
        passphrase = readPassphrase(file);
        this.#read.set(file, passphrase);
      }
      return passphrase;
    }
    const given = process.env['SALLYPORT_PASSPHRASE'];
    if (given !== undefined) {
      return given;
    }
    if (!process.stdin.isTTY || !process.stderr.isTTY) {
      return undefined;
    }
    this.#asked ??= askTerminal(this.#confirm);
    return this.#asked;
  }
}

/** `root-1=FILE` is for that key; anything else is a file for all keys. */
function splitOption(option: string): readonly [string, string] {
  const match = /^([a-z]+-\d+)=(.+)$/.exec(option);
  return match === null ? ['', option] : [match[1] ?? '', match[2] ?? ''];
}

async function readPassphrase(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new CloudError(
      'BAD_REQUEST',
      `the passphrase file ${file} cannot be read: check its name and permissions`,
      { file },
      { cause },
    );
  }
}

async function askTerminal(confirm: boolean): Promise<string> {
  const passphrase = await askOnce(
    confirm ? 'New passphrase for the offline keys: ' : 'Passphrase of the offline keys: ',
  );
  if (confirm && (await askOnce('The same again: ')) !== passphrase) {
    throw new CloudError('BAD_REQUEST', 'the two passphrases differ: nothing was made; try again');
  }
  return passphrase;
}

/** Reads a line without showing it. */
async function askOnce(question: string): Promise<string> {
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
