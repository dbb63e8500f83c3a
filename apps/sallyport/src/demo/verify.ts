import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseTree } from '@sallyport/core/wire/tree';

/** What is really installed at a site, looked at from outside: by running it and by hashing its files. */
export interface InstalledProduct {
  /** What the installed compiler says of itself. */
  readonly version: string;
  readonly filesChecked: number;
  /** Files that are missing, differ from the vendor's tree, or are none of it. */
  readonly differences: readonly string[];
}

const run = promisify(execFile);

/** Looks at the TypeScript compiler of a site's data folder. @throws when none is installed or it does not run */
export async function inspectSite(dataFolder: string): Promise<InstalledProduct> {
  const product = join(dataFolder, 'products', 'typescript');
  const current = JSON.parse(await readFile(join(product, 'current.json'), 'utf8')) as {
    folder: string;
    treeSha256: string;
  };
  const release = join(product, 'releases', current.folder);
  const { stdout } = await run(process.execPath, [join(release, 'lib', 'tsc.js'), '--version'], {
    timeout: 60_000,
  });
  const treeBytes = await readFile(join(dataFolder, 'content', 'blobs', 'sha256', current.treeSha256));
  const tree = parseTree(treeBytes);
  const differences: string[] = [];
  if (sha256(treeBytes) !== current.treeSha256) differences.push('the tree document itself');
  for (const file of tree.files) {
    const bytes = await readFile(join(release, file.path)).catch(() => undefined);
    if (bytes === undefined || sha256(bytes) !== file.sha256) differences.push(file.path);
  }
  const expected = new Set(tree.files.map((file) => file.path));
  for (const entry of await readdir(release, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name).slice(release.length + 1);
    if (!entry.isDirectory() && !expected.has(path)) differences.push(path);
  }
  return { version: stdout.trim().replace(/^Version /, ''), filesChecked: tree.files.length, differences };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
