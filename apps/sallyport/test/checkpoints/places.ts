import { relative, resolve } from 'node:path';
import process from 'node:process';
import { checkpointVariables } from './marks.ts';

const folder = resolve(process.env[checkpointVariables.folder] ?? '/nowhere');

/**
 * What is told of: a file below the folder, without what differs from run to run, and with one name for those that are
 * written alike, one after another. Undefined for logs and for files elsewhere.
 */
export function placeOf(path: unknown): string | undefined {
  if (typeof path !== 'string') return undefined;
  const within = relative(folder, resolve(path));
  if (within.startsWith('..') || within.startsWith('/')) return undefined;
  if (/(?:^|\/)logs\//.test(within) || within.endsWith('.log')) return undefined;
  return stable(within === '' ? '.' : within)
    .replace(/(\.staging-[^/]+)\/.+/, '$1/<path>')
    .replace(/^trust\/(\.?)[a-z]+\.json/, 'trust/$1<role>.json');
}

/** Digests, ids, versions of metadata and process ids become words. */
export function stable(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/[0-9a-f]{64}/g, '<digest>')
    .replaceAll(/[0-9a-f]{16,63}/g, '<hex>')
    .replaceAll(/(^|\/\.?)\d+\.([a-z]+)/g, '$1<n>.$2')
    .replaceAll(/-\d+\.json/g, '-<n>.json');
}
