import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import process from 'node:process';
import { BootstrapError } from './error.mjs';
import { isNewEnough } from './runtime.mjs';
import { forwardSignals } from './spawn.mjs';

const tickMs = 10_000;
const tailMaxChars = 16_384;

/** What npm prints when the registry is out of reach, as against when it answers and refuses. */
const unreachable =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN)\w*/;

/**
 * `npm ci` in `root`, its output on our standard error, with a line every ten seconds while it is silent.
 *
 * Nothing that a package brings is run (`--ignore-scripts`): none of ours needs it.
 *
 * @param {string} root
 * @param {NodeJS.ProcessEnv} [env]
 * @throws {BootstrapError} NO_NPM, INSTALL_FAILED
 */
export async function runNpm(root, env = process.env) {
  const command = npmCommand(env);
  const args = [...command.args, 'ci', '--include=dev', '--include=optional', '--ignore-scripts'];
  const child = spawn(command.file, args, {
    cwd: root,
    env: npmEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command.shell,
  });
  if (!isNewEnough(process.versions.node)) {
    process.stderr.write(
      `sallyport: npm runs on Node ${process.versions.node} and may warn EBADENGINE; it brings the Node that the rest runs on.\n`,
    );
  }
  const settle = forwardSignals(child);
  let tail = '';
  const pass = (/** @type {Buffer} */ chunk) => {
    process.stderr.write(chunk);
    tail = (tail + chunk.toString('utf8')).slice(-tailMaxChars);
  };
  child.stdout.on('data', pass);
  child.stderr.on('data', pass);
  const startedAt = Date.now();
  const ticks = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    process.stderr.write(`sallyport: still installing (${seconds} s) …\n`);
  }, tickMs);
  try {
    const { code, signal } = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exitCode, exitSignal) => resolve({ code: exitCode, signal: exitSignal }));
    });
    if (code !== 0) throw installFailed(signal === null ? `exit code ${code}` : `signal ${signal}`, tail);
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    process.stderr.write(`sallyport: installed in ${seconds} s.\n`);
  } catch (error) {
    if (error instanceof BootstrapError) throw error;
    throw new BootstrapError('NO_NPM', `npm cannot be started (${command.file}: ${describe(error)}).`, [
      'npm comes with Node; if your Node came without it, install the package "npm" of your system',
      'or install the packages elsewhere with `npm ci` and copy node_modules here',
    ]);
  } finally {
    settle();
    clearInterval(ticks);
  }
}

/**
 * The npm that started us, when one did, so that the same npm and configuration install; else the one on PATH.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ file: string, args: string[], shell: boolean }}
 */
export function npmCommand(env) {
  const cli = env['npm_execpath'];
  if (cli !== undefined && /^npm-cli\.[cm]?js$/.test(basename(cli)) && existsSync(cli)) {
    // Not process.execPath: that may be the Node inside node_modules, which `npm ci` is about to remove.
    return { file: env['npm_node_execpath'] ?? process.execPath, args: [cli], shell: false };
  }
  return { file: 'npm', args: [], shell: process.platform === 'win32' };
}

/**
 * npm hands its own settings down in variables. Those that say "only this workspace" or "only pretend" were
 * meant for the outer command, not for this install.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function npmEnvironment(env) {
  const outer =
    /^npm_config_(workspaces?|include_workspace_root|dry_run|global|location|omit|only|production|engine_strict)$/i;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !outer.test(name) && name !== 'NODE_ENV'));
}

/** @param {string} how @param {string} tail the end of what npm printed @returns {BootstrapError} */
function installFailed(how, tail) {
  const again = 'run the same command again: an interrupted install is started afresh';
  const ended = /^npm error signal (SIG\w+)/m.exec(tail);
  if (ended !== null)
    return new BootstrapError('INSTALL_FAILED', `npm ci was ended by ${ended[1]}.`, [again]);
  const cause = unreachable.exec(tail);
  if (cause !== null) {
    return new BootstrapError(
      'INSTALL_FAILED',
      `npm ci failed (${how}): the registry cannot be reached (${cause[0]}).`,
      [
        'see which one npm asks: npm config get registry; try it: npm ping',
        'behind a proxy: npm config set proxy http://…, npm config set https-proxy http://…',
        'then run the same command again; what was downloaded is kept in the cache of npm',
      ],
    );
  }
  if (/\bEUSAGE\b/.test(tail)) {
    return new BootstrapError(
      'INSTALL_FAILED',
      `npm ci failed (${how}): package.json and package-lock.json disagree.`,
      [
        'if you changed a package.json: npm install --ignore-scripts, and commit package-lock.json with it',
        'if you did not: git checkout package-lock.json',
      ],
    );
  }
  return new BootstrapError('INSTALL_FAILED', `npm ci failed (${how}); its own words are above.`, [
    again,
    'free disk space wanted: about 700 MB',
  ]);
}

/** @param {unknown} error @returns {string} */
function describe(error) {
  return error instanceof Error ? error.message : String(error);
}
