/**
 * A server process with nothing but an update installer, for tests that kill it: `node mortal-server.ts <folder>`.
 * It prints each log line, and ends by itself when the package is at rest.
 */
import { writeSync } from 'node:fs';
import type { Log, LogFields } from '../../../ports/log.ts';
import { publishMortal } from './mortal-package.ts';
import { never, TestSite } from './test-site.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: mortal-server.ts <site folder>');

function print(message: string, fields: LogFields = {}): void {
  // At once, not when the loop gets to it: the test kills us by what it reads.
  writeSync(1, `${message.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(fields[name]))}\n`);
}
const log: Log = { debug: () => undefined, info: print, warn: print, error: print };

const site = await TestSite.attach(folder);
await publishMortal(site);
const installer = site.newInstaller({ ...site.ports(), log });
await installer.start(never);
await installer.runOnce();
await installer.stop();
site.database.close();
