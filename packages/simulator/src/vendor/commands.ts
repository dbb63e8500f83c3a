import { packageGuid, type PackageGuid } from '@sallyport/core/shared/ids';

/** What a program of a generated package is for, as its arguments say. */
export interface SimCommand {
  readonly kind: 'health' | 'hook' | 'prerequisite' | 'probe' | 'undo';
  readonly guid: PackageGuid;
  /** Of the hook or prerequisite; absent for health checks. */
  readonly id?: string;
}

/** The program that every generated release has. */
export const toolPath = 'bin/tool';
/** A program of the system: prerequisites are asked before the release is there. */
const checkProgram = 'tool-check';

/** Arguments of a program of a generated package, placeholders and all. */
export function commandOf({ kind, guid, id }: SimCommand): readonly string[] {
  const program = kind === 'prerequisite' ? checkProgram : `{release}/${toolPath}`;
  return [program, kind, guid, ...(id === undefined ? [] : [id])];
}

/** What somebody runs, by its arguments; undefined when it is no program of a generated package. */
export function parseCommand(argv: readonly string[]): SimCommand | undefined {
  const [program, kind, guid, id] = argv;
  if (program === undefined || guid === undefined || !isKind(kind)) return undefined;
  if (program !== checkProgram && !program.endsWith(`/${toolPath}`)) return undefined;
  return { kind, guid: packageGuid(guid), ...(id === undefined ? {} : { id }) };
}

function isKind(text: string | undefined): text is SimCommand['kind'] {
  return ['health', 'hook', 'prerequisite', 'probe', 'undo'].includes(text ?? '');
}
