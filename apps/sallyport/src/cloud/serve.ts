import process from 'node:process';
import { createSecureContext } from 'node:tls';
import type { CloudTools } from '@sallyport/engine/cloud/cloud-tools';
import { ExchangeDesk } from '@sallyport/engine/cloud/exchange-desk';
import { PublicationView } from '@sallyport/engine/cloud/publication-view';
import { RepositoryKeeper } from '@sallyport/engine/cloud/repository-keeper';
import { UsageKeeper } from '@sallyport/engine/cloud/usage-keeper';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { HpkeSealing } from '@sallyport/engine/compute/hpke-sealing';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import { CloudError } from '@sallyport/engine/ports/cloud-error';
import { lockFolder } from '@sallyport/engine/storage/files/folder-lock';
import { vendorServer } from '@sallyport/engine/transport/exchange-https/vendor-server';
import { messageOf } from '@sallyport/core/shared/errors';
import { days } from '@sallyport/core/shared/units';
import { type DataOptions, foldersOf, openCloud, openDatabase } from './open-cloud.ts';
import { readGivenFile } from '../command/given-file.ts';
import { standardOutput } from '../command/output.ts';
import { printJson, printLine, runCommand, serverGraceMs } from '../command/run.ts';
import { serviceLog } from './service-log.ts';

export interface ServeOptions extends DataOptions {
  readonly host: string;
  readonly port: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly offerDays: number;
}

/** Longer than any chain of certificates. */
const pemMaxBytes = 1024 * 1024;

interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** How long a download that is under way may hold up the stop; a client resumes it elsewhere or later. */
const stopMaxMs = 5_000;

/** `cloud serve`: until SIGINT or SIGTERM. Standard output gets one line, `listening on <url>`; the log goes to standard error. */
export async function serve(options: ServeOptions): Promise<void> {
  const work = async (signal: AbortSignal): Promise<void> => {
    const tls = await tlsOf(options);
    const tools = await openCloud(options);
    // Whoever starts a second service means another folder, or does not know of the first. Publishing beside it is fine.
    const lock = lockFolder(foldersOf(options.data).data);
    try {
      await serveFolder(options, tools, tls, signal);
    } finally {
      lock.release();
    }
  };
  await runCommand(options.json === true, work, serverGraceMs);
}

async function serveFolder(
  options: ServeOptions,
  tools: CloudTools,
  tls: Tls | undefined,
  signal: AbortSignal,
): Promise<void> {
  const log = serviceLog(process.stderr, tools.clock);
  standardOutput.serve((text) => log.warn(text));
  const database = await openDatabase(options);
  const view = new PublicationView(tools);
  const keeper = new RepositoryKeeper(tools, log);
  const usage = new UsageKeeper(database.usage, tools, log);
  const desk = new ExchangeDesk({
    database,
    view,
    check: checkSignature,
    sealing: new HpkeSealing(),
    keys: tools.keys,
    digestOf: nodeDigests.of,
    clock: tools.clock,
    log,
    offerLifetimeMs: days(options.offerDays),
    onReports: () => usage.wake(),
  });
  try {
    // Whatever is wrong with the folder is said now, not to the first site that asks.
    await view.current();
    await keeper.start();
    await usage.start();
    const server = await vendorServer({
      repository: tools.repository,
      blobs: tools.blobs,
      exchange: desk,
      log,
      ...(tls && { tls }),
    });
    try {
      const url = await listen(server, options);
      if (options.json === true) {
        printJson({ listening: url });
      } else {
        printLine(`listening on ${url}`);
      }
      await aborted(signal);
      log.info('stopping');
    } finally {
      await closeWithin(server, stopMaxMs);
    }
  } finally {
    await usage.stop();
    await keeper.stop();
    await database.close();
  }
}

/** Lets what is under way finish, for a while. */
async function closeWithin(server: Awaited<ReturnType<typeof vendorServer>>, limitMs: number): Promise<void> {
  const limit = setTimeout(() => server.server.closeAllConnections(), limitMs);
  try {
    await server.close();
  } finally {
    clearTimeout(limit);
  }
}

async function listen(
  server: Awaited<ReturnType<typeof vendorServer>>,
  { host, port }: ServeOptions,
): Promise<string> {
  try {
    return await server.listen({ host, port });
  } catch (cause) {
    throw new CloudError(
      'BAD_REQUEST',
      `cannot listen on ${host} port ${port}: ${messageOf(cause)}; use another --port or --host`,
      { host, port },
      { cause },
    );
  }
}

async function tlsOf({ tlsCert, tlsKey }: ServeOptions): Promise<Tls | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) {
    return undefined;
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new CloudError(
      'BAD_REQUEST',
      'TLS needs both a certificate and its key: give --tls-cert and --tls-key',
    );
  }
  const tls = {
    cert: await readGivenFile(tlsCert, 'the certificate', pemMaxBytes),
    key: await readGivenFile(tlsKey, 'the private key', pemMaxBytes),
  };
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw new CloudError(
      'BAD_REQUEST',
      `TLS cannot be served with the certificate ${tlsCert} and the private key ${tlsKey} (${messageOf(cause)}): give both as PEM, each belonging to the other`,
      { tlsCert, tlsKey },
      { cause },
    );
  }
  return tls;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
}
