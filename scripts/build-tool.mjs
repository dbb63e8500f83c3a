// `npm run build:tool`: the service connection tool as one file that runs on Node alone, dist/sallyport-tool.mjs.
//
// esbuild, because the file has to carry what it imports from packages that are CommonJS in part (undici, commander),
// and to leave out what it does not reach; Node itself has no bundler, and a courier's machine no npm.

import { chmod, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const outfile = resolve(process.argv[2] ?? join(root, 'dist', 'sallyport-tool.mjs'));

/** What a machine without a site has no use for. That it is left out is what keeps the file small and quick to start. */
const foreign = [
  /\/storage\/sqlite\//,
  /\/node_modules\/(?:fastify|kysely|yaml)\//,
  /\/src\/(?:cloud|site|executive)\//,
];

const { metafile } = await build({
  entryPoints: [join(root, 'apps/sallyport/src/tool/main.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'eof',
  metafile: true,
  logLevel: 'warning',
  banner: {
    // Parts that are CommonJS ask for Node's own modules by require.
    js: "#!/usr/bin/env node\nimport { createRequire as sallyportRequire } from 'node:module';\nconst require = sallyportRequire(import.meta.url);",
  },
});
const strangers = Object.keys(metafile.inputs).filter((file) =>
  foreign.some((pattern) => pattern.test(`/${file}`)),
);
if (strangers.length > 0) {
  process.stderr.write(`the tool reaches what it must not carry: ${strangers.slice(0, 5).join(', ')}\n`);
  process.exit(1);
}
await chmod(outfile, 0o755);
process.stdout.write(`${outfile}: ${((await stat(outfile)).size / 1e6).toFixed(2)} MB\n`);
