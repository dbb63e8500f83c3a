import { hash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readDefinition, type ReadDefinition } from '../definition/definition.ts';

export interface TestPackage {
  readonly guid: string;
  readonly version: string;
  readonly kind?: string;
  /** Lines of YAML to add. */
  readonly more?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes a definition of the product `hello` with its payload into a folder of its own, and reads it. */
export async function writePackage(folder: string, item: TestPackage): Promise<ReadDefinition> {
  const own = join(folder, item.version);
  for (const [path, content] of Object.entries(item.files ?? filesOf(item.version))) {
    await mkdir(dirname(join(own, 'payload', path)), { recursive: true });
    await writeFile(join(own, 'payload', path), content);
  }
  const text = [
    'schema: 1',
    `guid: ${item.guid}`,
    'product: hello',
    `name: Hello ${item.version}`,
    `kind: ${item.kind ?? 'version-update'}`,
    `version: '${item.version}'`,
    'releasedAt: 2026-01-12',
    ...(item.more === undefined ? [] : [item.more]),
    'payload:',
    '  - folder: payload',
    '',
  ].join('\n');
  const file = join(own, 'package.yaml');
  await writeFile(file, text);
  return readDefinition(file, Buffer.from(text));
}

/** One file that changes a little from version to version and does not compress much, and one that never changes. */
function filesOf(version: string): Readonly<Record<string, string>> {
  const lines = Array.from({ length: 100 }, (_, index) => hash('sha256', String(index)));
  return { 'bin/hello.txt': `hello ${version}\n${lines.join('\n')}\n`, 'README.md': 'the same in all' };
}

/** A GUID that ends in a number. */
export function testGuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}
