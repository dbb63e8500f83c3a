/** What a file system's error code means to people. */
export interface FileFailure {
  /** `ENOSPC` and the like. */
  readonly errno: string;
  /** As a clause: `the disk is full`. */
  readonly cause: string;
  /** As an imperative: `make room on it and try again`. */
  readonly remedy: string;
}

const ownership = {
  cause: 'this user may not',
  remedy: 'let the user that runs this program own the folder',
};

const known: Readonly<Record<string, Omit<FileFailure, 'errno'>>> = {
  ENOSPC: { cause: 'the disk is full', remedy: 'make room on it and try again' },
  EDQUOT: {
    cause: "the user's disk quota is used up",
    remedy: 'raise it or make room, and try again',
  },
  EFBIG: {
    cause: 'the file is larger than this disk or user may hold',
    remedy: 'raise the limit and try again',
  },
  EROFS: {
    cause: 'the disk is mounted read-only',
    remedy: 'mount it for writing and check it for faults',
  },
  EACCES: ownership,
  EPERM: ownership,
  ENOENT: { cause: 'it is not there', remedy: 'check the name, and whether its disk is mounted' },
  ENOTDIR: {
    cause: 'it is a file, or lies below one, where a folder is needed',
    remedy: 'name another folder, or move that file away',
  },
  EISDIR: {
    cause: 'it is a folder where a file is needed',
    remedy: 'name a file, or move that folder away',
  },
  EEXIST: { cause: 'something of that name is there already', remedy: 'name another, or move it away' },
  ENOTEMPTY: { cause: 'the folder is not empty', remedy: 'name another, or empty it' },
  ELOOP: {
    cause: 'it is a symbolic link that leads in a circle or may not be followed',
    remedy: 'name what it stands for',
  },
  ENAMETOOLONG: { cause: 'the name is longer than the disk allows', remedy: 'use a shorter one' },
  EINVAL: { cause: 'its disk cannot do that', remedy: 'use a folder on an ordinary local disk' },
  EXDEV: { cause: 'it lies on another disk than its folder', remedy: 'keep the data folder on one disk' },
  EMFILE: {
    cause: 'this process has too many files open',
    remedy: 'raise its limit (ulimit -n) and try again',
  },
  ENFILE: { cause: 'this machine has too many files open', remedy: 'raise its limit and try again' },
  EBUSY: { cause: 'something else holds it', remedy: 'end that and try again' },
  EIO: { cause: 'the disk fails', remedy: 'check the disk, and restore from a backup if it is broken' },
};

/** What a failed file operation means; undefined when its code says nothing that people could act on. */
export function fileFailureOf(failure: unknown): FileFailure | undefined {
  if (!(failure instanceof Error) || !('code' in failure)) return undefined;
  const errno = String(failure.code);
  const meaning = Object.hasOwn(known, errno) ? known[errno] : undefined;
  return meaning === undefined ? undefined : { errno, ...meaning };
}

/**
 * A failed file operation in a sentence of cause, place and remedy; undefined when `failure` is none.
 *
 * @param place the file or folder, when the failure itself does not name it
 */
export function fileFailureText(failure: unknown, place?: string): string | undefined {
  const meaning = fileFailureOf(failure);
  if (meaning === undefined) return undefined;
  const path = failure instanceof Error && 'path' in failure ? failure.path : undefined;
  const named = place ?? (typeof path === 'string' ? path : 'a file');
  return `${named} cannot be used: ${meaning.cause} (${meaning.errno}); ${meaning.remedy}`;
}
