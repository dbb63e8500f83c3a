import type { ProductId } from '@sallyport/core/shared/ids';
import { parseCatalogue } from '@sallyport/core/wire/catalogue';
import { parseRollout } from '@sallyport/core/wire/rollout';
import { parseServiceInfo } from '@sallyport/core/wire/service-info';

/*
 * The names of the vendor's documents in its repository.
 */

export const servicePath = 'service.json';

export function cataloguePath(product: ProductId): string {
  return `catalog/${product}.json`;
}

export function rolloutPath(product: ProductId): string {
  return `rollout/${product}.json`;
}

/** Whether a name is that of a document, and not a package's GUID. */
export function isDocumentPath(name: string): boolean {
  return name === servicePath || name.startsWith('catalog/') || name.startsWith('rollout/');
}

/** Reads a document by the rules of its path. @throws {WireError} */
export function parserOf(path: string): (bytes: Uint8Array) => unknown {
  if (path === servicePath) return parseServiceInfo;
  return path.startsWith('catalog/') ? parseCatalogue : parseRollout;
}

/** The products that have a catalogue among these paths. */
export function productsOf(targets: Readonly<Record<string, unknown>>): readonly ProductId[] {
  return Object.keys(targets).flatMap((path) =>
    path.startsWith('catalog/') ? [path.slice('catalog/'.length, -'.json'.length) as ProductId] : [],
  );
}
