/** Copies of the site database, made before something is about to change it. */
export interface DatabaseBackups {
  /**
   * Makes `<name>.db`, consistent and durable before it resolves; replaces one of that name. Removes the
   * oldest beyond the number that is kept, never the one just made. Answers the file's path.
   */
  make(name: string): Promise<string>;
}
