import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from './harness.ts';

/** What a package of `hello` has beside its version. */
export interface Variant {
  readonly kind?: 'baseline' | 'hotfix' | 'version-update';
  /** Of bytes that do not compress, so that they travel as they are. */
  readonly ballastBytes?: number;
  /** Files of the payload beside `bin/hello.mjs`, by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Fields of the definition: hooks, health check, prerequisites. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

let releaseDay = 0;

/** Writes the definition of a package of `hello` with its payload; answers its file. */
export async function definePackage(
  world: World,
  version: string,
  { kind = 'version-update', ballastBytes = 0, files = {}, fields = {} }: Variant = {},
): Promise<string> {
  const folder = world.path(`hello-${version}`);
  const payload: Record<string, string | Buffer> = {
    'bin/hello.mjs': `console.log('hello ${version}');\n`,
    ...files,
  };
  if (ballastBytes > 0) payload['ballast.bin'] = randomBytes(ballastBytes);
  for (const [path, content] of Object.entries(payload)) {
    const file = join(folder, 'payload', path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, content);
  }
  // Later ones are newer than those before and than the example's own. JSON is YAML.
  releaseDay += 1;
  const definition = {
    schema: 1,
    guid: randomUUID(),
    product: 'hello',
    name: `Hello ${version}`,
    kind,
    version,
    releasedAt: new Date(Date.UTC(2026, 3, releaseDay)).toISOString().slice(0, 10),
    healthCheck: {
      run: ['{node}', '{release}/bin/hello.mjs'],
      outputIs: `hello ${version}`,
      timeoutMs: 20_000,
    },
    payload: [{ folder: 'payload' }],
    ...fields,
  };
  const file = join(folder, 'package.yaml');
  await writeFile(file, JSON.stringify(definition, undefined, 2));
  return file;
}
