import type { UpdateState } from './event.ts';

/** Codes of reference section 2.4, as the API's edge shows them: the stage in the high word. */
const codes: Readonly<Record<UpdateState, number>> = {
  UNKNOWN: 0,
  ENABLED: 2,
  CONTENT_REPLICATING: 0x1_0001,
  CONTENT_REPLICATION_SUCCESS: 0x1_0002,
  CONTENT_REPLICATION_FAILED: 0x1_ffff,
  PREREQ_IN_PROGRESS: 0x2_0001,
  PREREQ_SUCCESS: 0x2_0002,
  PREREQ_WARNING: 0x2_0003,
  PREREQ_ERROR: 0x2_ffff,
  INSTALL_IN_PROGRESS: 0x3_0001,
  INSTALL_WAITING_SERVICE_WINDOW: 0x3_0002,
  INSTALL_WAITING_PARENT: 0x3_0003,
  INSTALL_SUCCESS: 0x3_0004,
  INSTALL_FAILED: 0x3_ffff,
  DOWNLOAD_IN_PROGRESS: 0x4_0001,
  DOWNLOAD_SUCCESS: 0x4_0002,
  DOWNLOAD_FAILED: 0x4_ffff,
  APPLICABILITY_CHECKING: 0x5_0001,
  APPLICABILITY_SUCCESS: 0x5_0002,
  APPLICABILITY_HIDE: 0x5_fffd,
  APPLICABILITY_NA: 0x5_fffe,
  APPLICABILITY_FAILED: 0x5_ffff,
};

/** Every state, in the order of the reference. */
export const updateStates = Object.keys(codes) as readonly UpdateState[];

const statesByCode: ReadonlyMap<number, UpdateState> = new Map(
  updateStates.map((state) => [codes[state], state]),
);

/** The numeric code of a state (`INSTALL_SUCCESS` is 196612). */
export function stateCode(state: UpdateState): number {
  return codes[state];
}

/** The state of a numeric code; undefined for the codes of the reference that do not occur here, and any other. */
export function stateOfCode(code: number): UpdateState | undefined {
  return statesByCode.get(code);
}
