/** What stops the bootstrap for a reason that the person at the keyboard can do something about. */
export class BootstrapError extends Error {
  /**
   * @param {'USAGE' | 'NO_TESTS' | 'NO_NPM' | 'INSTALL_FAILED' | 'INSTALL_LOCKED' | 'NO_RUNTIME' | 'SPAWN_FAILED'} code
   * @param {string} message cause and place
   * @param {readonly string[]} remedies one line each, the likeliest first
   */
  constructor(code, message, remedies) {
    super([message, ...remedies.map((remedy) => `  → ${remedy}`)].join('\n'));
    this.name = 'BootstrapError';
    this.code = code;
    this.exitCode = code === 'USAGE' ? 2 : 1;
  }
}
