import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import process from 'node:process';
import { BootstrapError } from './error.mjs';

/** @type {readonly NodeJS.Signals[]} */
const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Terminals and npm both deliver one Ctrl-C; a second within this time is the same one. */
const sameSignalMs = 500;

/**
 * Runs a script under the given Node, with our standard streams, until it ends.
 *
 * That Node's folder goes first on PATH, so whatever the script starts by the name `node` is the same one.
 * SIGINT, SIGTERM and SIGHUP go on to it, and we wait for it to end in its own way.
 *
 * @param {string} nodePath
 * @param {readonly string[]} args
 * @param {{ readonly cwd: string, readonly compileCache?: string }} options `compileCache`: a folder in which Node keeps
 *   what it has compiled, for whatever starts after it
 * @returns {Promise<number>} its exit code; 128 plus the number of the signal that ended it
 * @throws {BootstrapError} SPAWN_FAILED
 */
export function runNode(nodePath, args, options) {
  const child = spawn(nodePath, args, {
    cwd: options.cwd,
    env: withCompileCache(withFirstOnPath(process.env, dirname(nodePath)), options.compileCache),
    stdio: 'inherit',
  });

  const settle = forwardSignals(child);
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      settle();
      reject(
        new BootstrapError('SPAWN_FAILED', `${nodePath} cannot be started (${error.message}).`, [
          'if the file is there: this system may lack the C library it was built for (Alpine does); install Node 24 yourself',
          'otherwise bring it in again: npm ci --include=optional',
        ]),
      );
    });
    child.once('exit', (code, signal) => {
      settle();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

/**
 * While a child runs, whoever asks us to end asks the child, and we go when it has gone.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @returns {() => void} ends the forwarding
 */
export function forwardSignals(child) {
  /** @type {Map<NodeJS.Signals, number>} */
  const seenAt = new Map();
  const handlers = forwarded.map((signal) => {
    const handler = () => {
      const now = Date.now();
      const before = seenAt.get(signal);
      seenAt.set(signal, now);
      if (before !== undefined && now - before < sameSignalMs) return;
      // A terminal sends Ctrl-C to the whole foreground group: the child has it already.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    };
    process.on(signal, handler);
    return { signal, handler };
  });
  return () => {
    for (const { signal, handler } of handlers) process.removeListener(signal, handler);
  };
}

/**
 * Whoever has chosen a folder of their own keeps it.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {string | undefined} folder
 * @returns {NodeJS.ProcessEnv}
 */
function withCompileCache(env, folder) {
  return folder === undefined ? env : { NODE_COMPILE_CACHE: folder, ...env };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} folder
 * @returns {NodeJS.ProcessEnv}
 */
function withFirstOnPath(env, folder) {
  // Windows calls it Path, and a copied environment is no longer blind to case.
  const name = Object.keys(env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  return { ...env, [name]: [folder, env[name]].filter(Boolean).join(delimiter) };
}
