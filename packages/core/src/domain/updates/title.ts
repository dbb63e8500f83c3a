/** A package in a sentence: most names hold the version already. */
export function titleOf(name: string, version: string | undefined): string {
  return version === undefined || name.includes(version) ? name : `${name} ${version}`;
}
