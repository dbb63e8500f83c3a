import assert from 'node:assert/strict';
import { SallyportError } from '@sallyport/core/shared/errors';
import { watchDisk } from './disk-watch.ts';
import { type DiskCall, diskError } from './disk-watch-state.ts';

/** What a disk answers, and the code that our errors have then. */
export type DiskFaultCode = 'EDQUOT' | 'EIO' | 'ENOSPC' | 'EROFS';

export interface DiskFault {
  readonly code: DiskFaultCode;
  /** Index of the changing call that fails first, from 0. Infinity: none. */
  readonly at: number;
  /** A broken disk may answer the next call again; a full one stays full until somebody makes room. */
  readonly lasts: 'once' | 'until-mended';
}

/** A disk without room still removes files and changes modes. */
const needsRoom: ReadonlySet<DiskCall['kind']> = new Set([
  'create',
  'link',
  'mkdir',
  'rename',
  'sync',
  'write',
]);

/** A folder whose disk fails at one of the calls that would change it. */
export class FaultyDisk {
  readonly calls: DiskCall[] = [];
  readonly #folder: string;
  readonly #fault: DiskFault;
  #struck: DiskCall | undefined;

  constructor(folder: string, fault: DiskFault) {
    this.#folder = folder;
    this.#fault = fault;
  }

  /** The call that failed first. */
  get struck(): DiskCall | undefined {
    return this.#struck;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return watchDisk({ folder: this.#folder, before: (call) => this.#before(call) }, work);
  }

  /**
   * A write at which the disk becomes full still takes half of its bytes, as disks do, and the next one fails. Links,
   * names and folders need room too.
   */
  #before(call: DiskCall): number | undefined {
    const index = this.calls.length;
    this.calls.push(call);
    const { code, at, lasts } = this.#fault;
    if (index < at || (this.#struck !== undefined && lasts === 'once')) return undefined;
    if (isFull(code) && !needsRoom.has(call.kind)) return undefined;
    const isFirst = this.#struck === undefined;
    this.#struck ??= call;
    const { sizeBytes = 0 } = call;
    if (isFirst && isFull(code) && call.kind === 'write' && sizeBytes > 1) return Math.floor(sizeBytes / 2);
    throw diskError(code, call.kind, call.path);
  }
}

function isFull(code: DiskFaultCode): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT';
}

export interface FaultScenario<State> {
  /** Makes what is there before, and opens what is tested. The disk is sound. */
  readonly prepare: (folder: string) => Promise<State>;
  /** What is tried while the disk fails, and once more when it is sound again. */
  readonly act: (state: State, folder: string) => Promise<unknown>;
  /**
   * After the failure, with the disk sound: nothing is lost, nothing half done is visible. What the disk answered is
   * told, for a read-only one, unlike the others, does not even let go of what was begun.
   */
  readonly holds: (
    state: State,
    folder: string,
    outcome: 'failed' | 'succeeded',
    answered: DiskFaultCode,
  ) => Promise<void>;
  /** After the repetition: the result is the same as without a failure, and nothing else is left. */
  readonly ends: (state: State, folder: string, answered: DiskFaultCode) => Promise<void>;
  /** Ends what `prepare` opened. */
  readonly close?: (state: State) => unknown;
  /** All of them when not given. */
  readonly faults?: readonly DiskFaultCode[];
  /** Codes that the error may have instead of those of the disk. */
  readonly codes?: readonly string[];
}

const faults: readonly Omit<DiskFault, 'at'>[] = [
  { code: 'ENOSPC', lasts: 'until-mended' },
  { code: 'EROFS', lasts: 'until-mended' },
  { code: 'EIO', lasts: 'once' },
];

const codeOf: Readonly<Record<DiskFaultCode, string>> = {
  EDQUOT: 'DISK_FULL',
  EIO: 'DISK_FAILED',
  ENOSPC: 'DISK_FULL',
  EROFS: 'READ_ONLY',
};

/** What a person can do about it, as our messages say it. */
const remedies =
  /make room|has room|there is room|mount it for writing|write there|check the disk|check it|free space/;

/**
 * Lets the disk fail at every changing call of a scenario, in every way, each in a folder of its own. A failure must
 * come out as an error of ours that names place and remedy, or not matter; then the disk is sound again and the
 * scenario must succeed on what the failure left.
 *
 * @param newFolder makes an empty folder; removed by whoever gave it
 */
export async function failsCleanly<State>(
  newFolder: () => Promise<string>,
  scenario: FaultScenario<State>,
): Promise<void> {
  const sound = await withFault(await newFolder(), scenario, { code: 'EIO', at: Infinity, lasts: 'once' });
  assert.ok(sound.calls.length > 0, 'the scenario changes nothing on the watched disk');
  for (const fault of faults) {
    if (scenario.faults?.includes(fault.code) === false) continue;
    for (let at = 0; at < sound.calls.length; at += 1) {
      const disk = await withFault(await newFolder(), scenario, { ...fault, at });
      assert.ok(at > 0 || disk.struck !== undefined || isFull(fault.code), 'the disk never failed');
    }
  }
}

async function withFault<State>(
  folder: string,
  scenario: FaultScenario<State>,
  fault: DiskFault,
): Promise<FaultyDisk> {
  const disk = new FaultyDisk(folder, fault);
  const state = await scenario.prepare(folder);
  let outcome: 'failed' | 'succeeded' = 'succeeded';
  try {
    await disk
      .run(() => scenario.act(state, folder))
      .catch((thrown: unknown) => {
        outcome = 'failed';
        assertExplained(thrown, folder, [codeOf[fault.code], ...(scenario.codes ?? [])]);
      });
    await scenario.holds(state, folder, outcome, fault.code);
    await scenario.act(state, folder);
    await scenario.ends(state, folder, fault.code);
  } catch (failure) {
    const { kind, path } = disk.struck ?? { kind: 'nothing', path: '' };
    throw new Error(
      `${fault.code} ${fault.lasts} at call ${fault.at} (${kind} ${path.slice(folder.length)}): ${String(failure)}`,
      { cause: failure },
    );
  } finally {
    await scenario.close?.(state);
  }
  return disk;
}

/** Holds an error to what people and programs need: a code, the place, and what to do. */
export function assertExplained(thrown: unknown, folder: string, codes: readonly string[]): void {
  if (!(thrown instanceof SallyportError)) throw new Error('a raw error came out', { cause: thrown });
  const { code, message } = thrown as SallyportError<string>;
  assert.ok(codes.includes(code), `${code} is none of ${codes.join(', ')}: ${message}`);
  assert.ok(message.includes(folder), `names no place: ${message}`);
  assert.match(message, remedies);
}
