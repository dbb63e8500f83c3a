import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { productId } from '@sallyport/core/shared/ids';
import { checkDescriptor, descriptorFrom } from '../descriptor-making.ts';
import { checkCommands } from './commands.ts';
import { readDefinition } from './definition.ts';
import { checkLicence } from './licence.ts';
import { scanDefinition } from './payload.ts';
import { formatProblem } from './problem.ts';
import { checkRelations } from './relations.ts';

const examples: Readonly<Record<string, readonly string[]>> = {
  typescript: ['typescript/5.8.3.yaml', 'typescript/5.9.2.yaml', 'typescript/5.9.3.yaml'],
  hello: ['hello/1.0/package.yaml', 'hello/1.1/package.yaml', 'hello/1.1.1/package.yaml'],
};

for (const [product, files] of Object.entries(examples)) {
  test(`the definitions of the example ${product} can be published`, async () => {
    const definitions = await Promise.all(
      files.map(async (file) => {
        const path = fileURLToPath(new URL(`../../../../../examples/${file}`, import.meta.url));
        return readDefinition(path, await readFile(path));
      }),
    );
    checkRelations(definitions, new Map([[productId(product), []]]));
    for (const definition of definitions) {
      const sizes = await scanDefinition(definition, new AbortController().signal);
      checkCommands(definition, sizes && new Set(sizes.keys()));
      await checkLicence(definition, sizes);
      if (definition.complete !== undefined) {
        checkDescriptor(definition, descriptorFrom(definition.complete, undefined, undefined));
      }
    }
    assert.deepEqual(
      definitions.flatMap(({ source }) => source.problems.map(formatProblem)),
      [],
    );
  });
}
