/** The code of an error of the file system (`ENOENT`), or undefined for any other. */
export function fileErrorCode(failure: unknown): string | undefined {
  if (!(failure instanceof Error) || !('code' in failure)) return undefined;
  return typeof failure.code === 'string' ? failure.code : undefined;
}

export function isMissing(failure: unknown): boolean {
  const code = fileErrorCode(failure);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
