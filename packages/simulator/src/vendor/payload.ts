import type { PackageGuid } from '@sallyport/core/shared/ids';
import {
  type PayloadEntry,
  type PayloadReader,
  PayloadUnreadable,
} from '@sallyport/engine/cloud/trees/payload-source';
import type { Files } from './sim-package.ts';

/** Payload that is in memory: the folder of a definition is known by the GUID in its path. */
export function payloadReader(payloads: ReadonlyMap<PackageGuid, Files>): PayloadReader {
  return (source) => {
    const found = [...payloads].find(([guid]) => source.path.includes(guid));
    if (found === undefined) {
      throw new PayloadUnreadable({ path: source.path, problem: 'is not there', remedy: 'name a package' });
    }
    return entriesOf(found[1]);
  };
}

async function* entriesOf(files: Files): AsyncGenerator<PayloadEntry> {
  for (const name of Object.keys(files).toSorted()) {
    const bytes = files[name] ?? new Uint8Array();
    yield {
      name,
      type: 'file',
      isExecutable: name.startsWith('bin/'),
      sizeBytes: bytes.length,
      chunks: () => once(bytes),
    };
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
}
