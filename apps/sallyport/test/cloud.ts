import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment, Server, World } from './harness.ts';

const examples = fileURLToPath(new URL('../../../examples/hello/', import.meta.url));

/** The definitions of `examples/hello`. */
export const hello = {
  baseline: join(examples, '1.0', 'package.yaml'),
  update: join(examples, '1.1', 'package.yaml'),
  hotfix: join(examples, '1.1.1', 'package.yaml'),
};

/** A vendor: the data folder of a cloud service that publishes `hello`. */
export class Cloud {
  readonly world: World;
  readonly data: string;
  server: Server | undefined;

  constructor(world: World, data: string) {
    this.world = world;
    this.data = data;
  }

  /** The key ceremony, with as few keys as there may be: stretching their passphrases takes the time. */
  static async init(world: World, name: string, options: readonly string[] = []): Promise<Cloud> {
    const cloud = new Cloud(world, world.path(name));
    const few = ['root', 'targets', 'catalogue'].flatMap((role) => [
      `--${role}-keys`,
      '1',
      `--${role}-threshold`,
      '1',
    ]);
    await world.done([
      'cloud',
      'init',
      '--data',
      cloud.data,
      '--vendor',
      'Example',
      '--product',
      'hello:Hello',
      ...few,
      ...options,
    ]);
    return cloud;
  }

  get repository(): string {
    return join(this.data, 'repository');
  }

  get trustRoot(): string {
    return join(this.repository, 'metadata', '1.root.json');
  }

  /** Publishes for everybody. */
  async publish(...definitions: readonly string[]): Promise<void> {
    await this.world.done(['cloud', 'publish', '--data', this.data, '--percentage', '100', ...definitions]);
  }

  /** Starts the cloud service; answers its address. */
  async serve(env: Environment = {}): Promise<URL> {
    this.server = await this.world.serve(
      ['cloud', 'serve', '--data', this.data, '--port', '0'],
      /^listening on (\S+)$/,
      env,
    );
    const [, url = ''] = await this.server.ready;
    return new URL(url);
  }

  async enrolmentCode(): Promise<string> {
    return (await this.world.done(['cloud', 'enrolment-code', '--data', this.data])).trim();
  }
}
