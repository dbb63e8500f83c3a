/**
 * A role's name as part of a file name or URL: percent-encoded, so that it can leave no folder and means the same to
 * every server and file system.
 */
export function encodedRole(role: string): string {
  return encodeURIComponent(role).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** The name of a metadata file in a repository (TUF 6.2); without a version where the repository keeps only one. */
export function metadataName(role: string, version?: number): string {
  return version === undefined ? `${encodedRole(role)}.json` : `${version}.${encodedRole(role)}.json`;
}

/** The path of a target in a repository; with its digest before the file's name where snapshots are consistent. */
export function targetRepositoryPath(path: string, digest?: string): string {
  const nameAt = path.lastIndexOf('/') + 1;
  return digest === undefined ? path : `${path.slice(0, nameAt)}${digest}.${path.slice(nameAt)}`;
}
