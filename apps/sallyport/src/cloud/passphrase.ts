import { givenPassphrase, readPassphraseFile } from '../command/passphrase.ts';

/**
 * Where the passphrases of offline keys come from: `--passphrase-file [KEY=]FILE` (for one key, or for all that have
 * none of their own), else the environment variable SALLYPORT_PASSPHRASE, else the terminal, asked once.
 */
export class Passphrases {
  readonly #files: ReadonlyMap<string, string>;
  readonly #confirm: boolean;
  readonly #read = new Map<string, Promise<string>>();
  #asked: Promise<string | undefined> | undefined;

  /** @param options `confirm`: the passphrase is a new one, so a terminal is asked twice */
  constructor(files: readonly string[], options: { readonly confirm: boolean }) {
    this.#files = new Map(files.map(splitOption));
    this.#confirm = options.confirm;
  }

  /** The passphrase for a key by its name (`root-1`); undefined when there is no way to have one. @throws {PassphraseError} */
  async of(name: string): Promise<string | undefined> {
    const file = this.#files.get(name) ?? this.#files.get('');
    if (file !== undefined) {
      let passphrase = this.#read.get(file);
      if (passphrase === undefined) {
        passphrase = readPassphraseFile(file);
        this.#read.set(file, passphrase);
      }
      return passphrase;
    }
    this.#asked ??= givenPassphrase('the offline keys', this.#confirm);
    return this.#asked;
  }
}

/** `root-1=FILE` is for that key; anything else is a file for all keys. */
function splitOption(option: string): readonly [string, string] {
  const match = /^([a-z]+-\d+)=(.+)$/.exec(option);
  return match === null ? ['', option] : [match[1] ?? '', match[2] ?? ''];
}
