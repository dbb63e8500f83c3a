import process from 'node:process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type {
  ApiInput,
  ApiName,
  MediaApiInput,
  MediaApiName,
  SiteApiInput,
  SiteApiName,
  UsageApiInput,
  UsageApiName,
} from '@sallyport/core/wire/api';
import { ApiError, LocalApiClient } from '@sallyport/engine/transport/console-api/client';
import { localSocketPath } from '@sallyport/engine/transport/console-api/socket-path';

type AnyName = ApiName | MediaApiName | SiteApiName | UsageApiName;

/** A server that is busy answers within this; whoever waits longer is told. */
const patienceMs = 10_000;

/** A running site server, asked over its local API. */
export class SiteClient {
  readonly #api: LocalApiClient;
  readonly #signal: AbortSignal;
  readonly #dataFolder: string;

  /**
   * @param signal ends what is being asked
   * @throws {ApiError} NO_SERVER when the folder holds no site
   */
  constructor(dataFolder: string, signal: AbortSignal) {
    this.#signal = signal;
    this.#dataFolder = dataFolder;
    if (!existsSync(join(dataFolder, 'site.json'))) {
      throw new ApiError(
        'NO_SERVER',
        `${dataFolder} holds no site: name the site's folder with --data, or make one with "sallyport site setup"`,
      );
    }
    this.#api = new LocalApiClient(localSocketPath(dataFolder), dataFolder);
  }

  /** The server's answer is of this same program's making: its shape is `R`. @throws {ApiError} */
  async ask<R, N extends AnyName = AnyName>(
    name: N,
    input: N extends ApiName
      ? ApiInput<N>
      : N extends SiteApiName
        ? SiteApiInput<N>
        : N extends UsageApiName
          ? UsageApiInput<N>
          : N extends MediaApiName
            ? MediaApiInput<N>
            : never,
  ): Promise<R> {
    const silent = setTimeout(() => {
      process.stderr.write(
        `sallyport: the site server of ${this.#dataFolder} has not answered yet; Ctrl-C ends the waiting\n`,
      );
    }, patienceMs);
    try {
      return (await this.#api.call(name, input, this.#signal)) as R;
    } finally {
      clearTimeout(silent);
    }
  }

  watch<R>(signal: AbortSignal): AsyncIterable<R> {
    return this.#api.watch(signal) as AsyncIterable<R>;
  }

  close(): Promise<void> {
    return this.#api.close();
  }
}

/** Runs work with a client that is closed afterwards, whatever happens. */
export async function withSite<T>(
  dataFolder: string,
  signal: AbortSignal,
  work: (site: SiteClient) => Promise<T>,
): Promise<T> {
  const site = new SiteClient(dataFolder, signal);
  try {
    return await work(site);
  } finally {
    await site.close();
  }
}
