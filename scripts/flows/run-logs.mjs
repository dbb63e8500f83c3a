import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** One entry of a CMTrace log; its message may hold line ends. */
const entryPattern = /<!\[LOG\[([\s\S]*?)\]LOG\]!>/g;

/**
 * Reads the component logs of all sites below a folder.
 *
 * @param {string} folder
 * @returns {{ readonly messagesByLog: ReadonlyMap<string, readonly string[]>, readonly files: number }} messages by the
 *   log's name in lower case, rotated parts included
 */
export function readRun(folder) {
  /** @type {Map<string, string[]>} */
  const messagesByLog = new Map();
  let files = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || basename(entry.parentPath) !== 'logs' || !/\.(?:log|lo_)$/i.test(entry.name))
      continue;
    files += 1;
    const name = entry.name.toLowerCase().replace(/\.lo_$/, '.log');
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    const messages = messagesByLog.get(name) ?? [];
    for (const match of text.matchAll(entryPattern)) messages.push(String(match[1]));
    messagesByLog.set(name, messages);
  }
  return { messagesByLog, files };
}
