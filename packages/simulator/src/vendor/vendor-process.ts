import type { CloudTools } from '@sallyport/engine/cloud/cloud-tools';
import { ExchangeDesk } from '@sallyport/engine/cloud/exchange-desk';
import { PublicationView } from '@sallyport/engine/cloud/publication-view';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { MemoryCompute } from '@sallyport/engine/compute/memory-compute';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import type { Clock } from '@sallyport/engine/ports/clock';
import type { CloudDatabase } from '@sallyport/engine/ports/cloud-database';
import type { Compute } from '@sallyport/engine/ports/compute';
import type { Keys } from '@sallyport/engine/ports/keys';
import type { Log } from '@sallyport/engine/ports/log';
import type { Random } from '@sallyport/engine/ports/random';
import type { Sealing } from '@sallyport/engine/ports/sealing';
import { MemoryBlobs } from '@sallyport/engine/storage/memory/blobs';
import type { MemoryDisk } from '@sallyport/engine/storage/memory/disk';
import { MemoryKeyRing } from '@sallyport/engine/storage/memory/key-ring';
import { MemoryPublishedRepository } from '@sallyport/engine/storage/memory/published-repository';
import { MemoryRepositoryLock } from '@sallyport/engine/storage/memory/repository-lock';
import { days } from '@sallyport/core/shared/units';
import { mortal } from '../disk/mortal.ts';

/** Gives whoever builds a process the chance to put something before a port. */
export type Wrap = <T extends object>(port: string, real: T) => T;

export interface VendorHost {
  readonly disk: MemoryDisk;
  /** In memory; commits are durable at once. */
  readonly database: CloudDatabase;
  readonly keys: Keys;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly wrap: Wrap;
  readonly lifetimesMs: CloudTools['lifetimesMs'];
}

/** The vendor's cloud service for as long as one process of it lives. */
export interface VendorProcess {
  readonly tools: CloudTools & { readonly compute: Compute };
  readonly database: CloudDatabase;
  readonly desk: ExchangeDesk;
  /** From here on nothing that it does has an effect. */
  readonly end: () => void;
}

/** Starts the vendor's process on its disk. */
export function startVendor(host: VendorHost): VendorProcess {
  const { disk, database, keys, sealing, clock, random, log, wrap, lifetimesMs } = host;
  const life = { isOver: false };
  const mount = disk.mount();
  const hold = <T extends object>(port: string, real: T): T =>
    wrap(port, mortal(real, life, ['pathOf', 'sha256']));
  const tools = {
    repository: hold('repository', new MemoryPublishedRepository(mount)),
    lock: hold('lock', new MemoryRepositoryLock()),
    keys: hold('keys', new MemoryKeyRing(mount, keys, sealing)),
    blobs: hold('blobs', new MemoryBlobs(mount)),
    compute: mortal(new MemoryCompute({ disk: mount }), life, ['sha256']),
    clock,
    random,
    lifetimesMs,
  };
  const held = hold('database', database);
  const desk = new ExchangeDesk({
    database: held,
    view: new PublicationView(tools),
    check: checkSignature,
    sealing,
    keys: tools.keys,
    digestOf: nodeDigests.of,
    clock,
    log,
    offerLifetimeMs: days(7),
  });
  return {
    tools,
    database: held,
    desk,
    end: () => {
      life.isOver = true;
    },
  };
}
