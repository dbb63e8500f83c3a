// A hook runs at least once: it may be repeated after a crash, so it does its work only where it is not done yet.
//
//   greetings.mjs do|probe|undo FOLDER
//
// "probe" exits with 0 when the work is done, "undo" takes it back when the install is rolled back.
import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';

const [verb, folder = '.'] = process.argv.slice(2);
const file = join(folder, 'greetings.json');

if (verb === 'do') {
  await writeFile(file, JSON.stringify({ en: 'Hello', fr: 'Bonjour', de: 'Hallo' }));
  console.log(`step ${process.env['SALLYPORT_STEP_ID'] ?? ''}: greetings written`);
} else if (verb === 'probe') {
  await access(file);
} else {
  await rm(file, { force: true });
}
