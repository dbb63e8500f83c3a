import { InvalidArgumentError } from 'commander';

/** Words of the older tool, which take a value or none, and what stands for them here. */
const steps: Readonly<Record<string, string>> = {
  '-prepare': 'prepare',
  '-connect': 'connect',
  '-import': 'import',
  '-export': 'export',
};
const valued: Readonly<Record<string, string>> = {
  '-usagedatadest': '--to',
  '-usagedatasrc': '--from',
  '-updatepackdest': '--to',
  '-updatepacksrc': '--from',
  '-dest': '--to',
  '-proxyserveruri': '--proxy',
  '-proxyusername': '--proxy-user',
};
const plainWords: Readonly<Record<string, string>> = {
  '-downloadall': '--all',
  '-downloadhotfix': '--hotfixes',
  '-downloadsiteversion': '--site-version',
};

/**
 * A command line of the older service connection tool (`-connect -usagedatasrc D -updatepackdest D`) in this one's
 * words; undefined when it is none. Case does not matter there. What this tool adds (`--data`, `--log`) may follow.
 *
 * @throws {InvalidArgumentError} for a word that neither knows
 */
export function fromOlderCommandLine(argv: readonly string[]): readonly string[] | undefined {
  const step = argv.map((word) => steps[word.toLowerCase()]).find((found) => found !== undefined);
  if (step === undefined) return undefined;
  const words: string[] = [step];
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    const lower = word.toLowerCase();
    const option = valued[lower] ?? plainWords[lower];
    if (steps[lower] === step) continue;
    if (option !== undefined) words.push(option);
    else if (/^-[a-z]+$/i.test(word))
      throw new InvalidArgumentError(
        `the word ${word} is not known: write ${[...Object.keys(steps), ...Object.keys(valued), ...Object.keys(plainWords)].join(' ')}, or see "sallyport tool --help"`,
      );
    else words.push(word);
  }
  return words;
}
