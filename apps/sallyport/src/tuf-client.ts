import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import type { TargetFile } from '@sallyport/core/domain/trust/documents';
import { checkFile } from '@sallyport/core/domain/trust/file-check';
import { encodedRole } from '@sallyport/core/domain/trust/metadata-name';
import { referenceTime } from '@sallyport/core/domain/trust/reference-time';
import { TrustError } from '@sallyport/core/domain/trust/trust-error';
import { messageOf } from '@sallyport/core/shared/errors';
import { parseMetadata } from '@sallyport/core/wire/tuf';
import { TrustRefresher, type TrustEvent } from '@sallyport/engine/components/trust/refresher';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import { renameDurably, temporaryBeside } from '@sallyport/engine/storage/files/durable-file';
import { FileTrustStore } from '@sallyport/engine/storage/files/trust-store';
import { HttpRepository } from '@sallyport/engine/transport/content-http/http-repository';

const usage = `usage:
  sallyport tuf-client --metadata-dir D init ROOT
  sallyport tuf-client --metadata-url U --metadata-dir D refresh
  sallyport tuf-client --metadata-url U --metadata-dir D --target-name T [--target-name T2 ...] --target-dir O --target-base-url B download`;

/**
 * The command line by which the public TUF conformance suite drives the trusted set: the same refresher, store and
 * transport that a site uses.
 *
 * @param argv what follows `tuf-client`; options come before the verb
 * @returns the exit code: 0, or exactly 1 with the reason on standard error
 */
export async function tufClient(argv: readonly string[]): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    await run(argv, interrupted.signal);
    return 0;
  } catch (error) {
    process.stderr.write(`sallyport tuf-client: ${describe(error)}\n`);
    return 1;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

async function run(argv: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      'metadata-dir': { type: 'string' },
      'metadata-url': { type: 'string' },
      'target-name': { type: 'string', multiple: true },
      'target-dir': { type: 'string' },
      'target-base-url': { type: 'string' },
    },
  });
  const [verb, ...operands] = positionals;
  const store = new FileTrustStore(required(values['metadata-dir'], '--metadata-dir'));
  if (verb === 'init' && operands.length === 1) {
    await pinRoot(store, required(operands[0], 'ROOT'));
    return;
  }
  if ((verb !== 'refresh' && verb !== 'download') || operands.length > 0) {
    throw new TypeError(usage);
  }
  const metadataUrl = required(values['metadata-url'], '--metadata-url');
  const refresher = new TrustRefresher({
    store,
    source: new HttpRepository({ metadataUrl, targetsUrl: values['target-base-url'] ?? metadataUrl }),
    check: checkSignature,
    digests: nodeDigests,
    onEvent: log,
  });
  const names = values['target-name'] ?? [];
  if (verb === 'download') {
    required(names[0], '--target-name');
    required(values['target-base-url'], '--target-base-url');
    required(values['target-dir'], '--target-dir');
  }
  await refresher.refresh(referenceTime(Date.now(), await store.timeFloor()), signal);
  if (verb === 'download') {
    const folder = required(values['target-dir'], '--target-dir');
    await mkdir(folder, { recursive: true });
    for (const name of names) {
      await download(refresher, name, folder, signal);
    }
  }
}

/** No signature is checked yet: the first refresh does, before it asks anybody for anything. */
async function pinRoot(store: FileTrustStore, path: string): Promise<void> {
  const bytes = await readFile(path);
  await store.saveRoot(parseMetadata('root', bytes).signed.version, bytes);
}

async function download(
  refresher: TrustRefresher,
  name: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const info = await refresher.targetInfo(name, signal);
  if (info === undefined) {
    throw new TrustError('NOT_FOUND', `no trusted role knows the target ${name}`, { path: name });
  }
  const path = join(folder, encodedRole(name));
  if (await isHeld(path, info)) {
    process.stderr.write(`${name} is here already\n`);
    return;
  }
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, 'wx');
    try {
      for await (const chunk of refresher.readTarget(info, signal)) {
        await file.writeFile(chunk);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await renameDurably(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function isHeld(path: string, info: TargetFile): Promise<boolean> {
  try {
    checkFile(info.path, info, await readFile(path), nodeDigests.of);
    return true;
  } catch {
    // Not there, unreadable or another version: it is fetched anew, and only then is there something to report.
    return false;
  }
}

function required(value: string | undefined, name: string): string {
  if (value === undefined) {
    throw new TypeError(`${name} is missing\n${usage}`);
  }
  return value;
}

function log(event: TrustEvent): void {
  process.stderr.write(
    event.kind === 'trusted'
      ? `${event.role} version ${event.version} is trusted\n`
      : `stored ${event.role} is not used: ${event.reason}\n`,
  );
}

function describe(error: unknown): string {
  const code = error instanceof TrustError ? `${error.code}: ` : '';
  return `${code}${messageOf(error)}`;
}
