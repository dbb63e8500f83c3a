import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Updater } from 'tuf-js';

/** A customer that trusts by tuf-js, not by our own code. It keeps its metadata from one refresh to the next. */
export class OtherClient {
  readonly #folder: string;
  readonly #url: string;

  private constructor(folder: string, url: string) {
    this.#folder = folder;
    this.#url = url;
  }

  /** @param root the trust root that the vendor hands out */
  static async create(context: TestContext, url: string, root: Uint8Array): Promise<OtherClient> {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-tuf-js-'));
    context.after(() => rm(folder, { recursive: true, force: true }));
    await mkdir(join(folder, 'metadata'));
    await mkdir(join(folder, 'targets'));
    await writeFile(join(folder, 'metadata', 'root.json'), root);
    return new OtherClient(folder, url);
  }

  /** Refreshes and fetches one target. Rejects with what tuf-js does not believe. */
  async fetch(path: string): Promise<Uint8Array | undefined> {
    const updater = new Updater({
      metadataDir: join(this.#folder, 'metadata'),
      metadataBaseUrl: `${this.#url}/metadata`,
      targetDir: join(this.#folder, 'targets'),
      targetBaseUrl: `${this.#url}/targets`,
      config: { fetchRetries: 0, fetchTimeout: 5000 },
    });
    await updater.refresh();
    const target = await updater.getTargetInfo(path);
    return target === undefined ? undefined : readFile(await updater.downloadTarget(target));
  }

  /** The version of a role that it trusts now. */
  async version(role: string): Promise<number> {
    const text = await readFile(join(this.#folder, 'metadata', `${role}.json`), 'utf8');
    return (JSON.parse(text) as { signed: { version: number } }).signed.version;
  }
}
