import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImportResult, PreparedResult } from '@sallyport/core/wire/api';
import type { CourierResult } from '@sallyport/engine/components/courier/courier-ports';
import type { Cloud } from './cloud.ts';
import type { Environment, World } from './harness.ts';
import { Site, topTierOptions } from './hierarchy.ts';

/** Sets an offline primary site up on hello 1.0, and starts it. */
export async function offlineSite(cloud: Cloud, code: string, url: URL): Promise<Site> {
  const { world } = cloud;
  const site = new Site(world, code, world.path(code.toLowerCase()));
  const enrolment = ['--enrolment-code', await cloud.enrolmentCode()];
  const options = topTierOptions(cloud, site, 'primary', url);
  await world.done(['site', 'setup', ...options, '--offline', ...enrolment]);
  await site.start();
  return site;
}

/** The courier: folders of requests and media, all in one world. */
export class CourierBag {
  readonly world: World;
  #trips = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** A folder with a new request of each site. */
  async requests(...sites: readonly Site[]): Promise<string> {
    this.#trips += 1;
    const folder = this.world.path(`requests-${this.#trips}`);
    await mkdir(folder);
    for (const site of sites)
      await site.ask<PreparedResult>('tool', 'prepare', '--to', join(folder, `${site.code}.tar`));
    return folder;
  }

  connect(from: string, to: string, ...more: readonly string[]): Promise<CourierResult> {
    return this.world.json<CourierResult>(['tool', 'connect', '--from', from, '--to', to, ...more]);
  }

  /** A trip that goes well: a medium in a folder of its own. */
  async trip(...sites: readonly Site[]): Promise<string> {
    const from = await this.requests(...sites);
    const medium = this.world.path(`medium-${this.#trips}`);
    await this.connect(from, medium);
    return medium;
  }

  async copyOf(medium: string, name: string): Promise<string> {
    const copy = this.world.path(name);
    await cp(medium, copy, { recursive: true });
    return copy;
  }

  /** What a command that must fail says, as programs read it. */
  async failure(args: readonly string[], env: Environment = {}): Promise<{ code: string; message: string }> {
    const { code, out, err } = await this.world.run([...args, '--json'], env);
    if (code !== 1) throw new Error(`sallyport ${args.join(' ')} ended with ${code}: ${err || out}`);
    return (JSON.parse(out) as { error: { code: string; message: string } }).error;
  }
}

export function imports(site: Site, ...media: readonly string[]): Promise<ImportResult> {
  return site.ask<ImportResult>('tool', 'import', '--from', ...media);
}

/** Every file and folder beneath one: name, times that a writer changes, content. */
export async function listing(folder: string): Promise<string> {
  const names = (await readdir(folder, { recursive: true })).toSorted();
  const lines = await Promise.all(
    ['.', ...names].map(async (name) => {
      const path = join(folder, name);
      const { mtimeMs, ctimeMs, size } = await stat(path);
      const isFile = (await stat(path)).isFile();
      const content = isFile
        ? createHash('sha256')
            .update(await readFile(path))
            .digest('hex')
        : 'folder';
      return `${name} ${mtimeMs} ${ctimeMs} ${isFile ? size : ''} ${content}`;
    }),
  );
  return lines.join('\n');
}

/** Bytes of all files beneath a folder. */
export async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    files.map(async (file) => (file.isFile() ? (await stat(join(file.parentPath, file.name))).size : 0)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The blobs that a medium has for the first hierarchy of a trip. */
export async function listed(medium: string, { hierarchies }: CourierResult): Promise<readonly string[]> {
  const list = join(medium, 'answers', hierarchies[0]?.hierarchyId ?? '', 'content.txt');
  return (await readFile(list, 'utf8')).split('\n').flatMap((line) => line.split(' ')[0] || []);
}
