import { type Command, InvalidArgumentError, Option } from 'commander';

export function withData(command: Command): Command {
  return command
    .addOption(
      new Option('--data <folder>', 'the cloud’s data folder')
        .env('SALLYPORT_CLOUD_DATA')
        .makeOptionMandatory(),
    )
    .option('--json', 'print one JSON document instead of text');
}

export function withKeys(command: Command): Command {
  return withData(command)
    .option('--offline-keys <folder>', 'where offline keys are (repeatable: one for each medium)', collect)
    .option(
      '--passphrase-file <[key=]file>',
      'passphrase of the offline keys, or of one of them (repeatable); else $SALLYPORT_PASSPHRASE, else the terminal',
      collect,
    );
}

export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export function count(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= minimum && value <= maximum)) {
      throw new InvalidArgumentError(`Give a whole number from ${minimum} to ${maximum}.`);
    }
    return value;
  };
}
