import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import type { Environment, Server, World } from '../harness.ts';
import { checkpointVariables } from './marks.ts';

/** How a process is to die. */
export type Fate =
  /** Not at all: it only notes which checkpoints it passes. */
  | { readonly kind: 'lives' }
  /** At every checkpoint once: each life ends at the first one that no life has ended at, and that is not left out. */
  | { readonly kind: 'walks'; readonly except: readonly string[] }
  /** Once, at one checkpoint: `<name>#<occurrence>`. */
  | { readonly kind: 'dies'; readonly at: string };

const livesMax = 1_000;

/** A server of the stage: started again whenever a checkpoint has ended it, until it is stopped. */
export class Mortal {
  readonly name: string;
  readonly #world: World;
  readonly #args: readonly string[];
  readonly #ready: RegExp;
  readonly #afterDeath: () => Promise<void>;
  #server: Server | undefined;
  #running: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #stopping = false;
  #leftOut = 0;
  #fate: Fate = { kind: 'lives' };
  #env: Environment = {};
  /** How often it was started since `begin`. */
  lives = 0;

  /** @param afterDeath looks at what a death left behind, before the next life begins */
  constructor(
    world: World,
    name: string,
    args: readonly string[],
    ready: RegExp,
    afterDeath: () => Promise<void> = async () => undefined,
  ) {
    this.#world = world;
    this.name = name;
    this.#args = args;
    this.#ready = ready;
    this.#afterDeath = afterDeath;
  }

  /** Starts it; `folder` holds its durable state. */
  async begin(fate: Fate, folder: string, env: Environment): Promise<void> {
    await writeFile(this.#passedFile, '');
    const except = fate.kind === 'walks' ? fate.except : [];
    this.#leftOut = except.length;
    await writeFile(this.#walkedFile, except.map((name) => `${name}\n`).join(''));
    this.#fate = fate;
    this.#stopping = false;
    this.#failure = undefined;
    this.lives = 0;
    this.#env = {
      ...env,
      NODE_OPTIONS: `--import=${new URL('preload.ts', import.meta.url).href}`,
      [checkpointVariables.folder]: folder,
      [checkpointVariables.passed]: this.#passedFile,
      ...(fate.kind === 'lives' ? {} : { [checkpointVariables.walked]: this.#walkedFile }),
      ...(fate.kind === 'dies' ? { [checkpointVariables.only]: fate.at } : {}),
    };
    this.#running = this.#keepUp().catch((cause: unknown) => {
      this.#failure = new Error(`${this.name} cannot be kept up`, { cause });
    });
  }

  /** Throws when it has ended in another way than by a checkpoint. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends it as an administrator would, and again when a checkpoint on the way was its end; `check` says how it went. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#terminate();
    await this.#running;
  }

  /** Checkpoints that were passed, in their order, and those that were died at. */
  async passed(): Promise<readonly string[]> {
    return linesOf(this.#passedFile);
  }

  async diedAt(): Promise<readonly string[]> {
    return (await linesOf(this.#walkedFile)).slice(this.#leftOut);
  }

  get #passedFile(): string {
    return this.#world.path(`${this.name}.passed`);
  }

  get #walkedFile(): string {
    return this.#world.path(`${this.name}.walked`);
  }

  async #keepUp(): Promise<void> {
    for (;;) {
      this.lives += 1;
      assert.ok(this.lives < livesMax, `${this.name} has been started ${this.lives} times`);
      const server = this.#world.launch(this.#args, this.#ready, this.#env);
      this.#server = server;
      if (this.#stopping) this.#terminate();
      const { code, signal } = await server.closed;
      const last = (await this.diedAt()).at(-1) ?? 'no death';
      if (signal === 'SIGKILL' && this.#fate.kind !== 'lives') {
        try {
          await this.#afterDeath();
          continue;
        } catch (cause) {
          this.#failure = new Error(`what ${this.name} left when it died at ${last} cannot stand`, { cause });
          return;
        }
      }
      if (this.#stopping && code === 0) return;
      this.#failure = new Error(
        `${this.name} ended with ${code ?? signal ?? 'nothing'} after dying at ${last}:\n${server.output}`,
      );
      return;
    }
  }

  /** Once it is up: a signal before that ends a process that has not asked for it. */
  #terminate(): void {
    const server = this.#server;
    server?.ready.then(
      () => server.terminate(),
      () => undefined,
    );
  }
}

async function linesOf(file: string): Promise<readonly string[]> {
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
}
