import process from 'node:process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiInput, ApiName, SiteApiInput, SiteApiName } from '@sallyport/core/wire/api';
import { ApiError, LocalApiClient } from '@sallyport/engine/transport/console-api/client';
import { userName } from '../command/user-name.ts';
import { localSocketPath } from '@sallyport/engine/transport/console-api/socket-path';

/** Where a site's data are when the command line does not say. */
export const defaultDataFolder = process.env['SALLYPORT_DATA'] ?? '/var/lib/sallyport/site';

/** A running site server, asked over its local API. */
export class SiteClient {
  readonly #api: LocalApiClient;

  /** @throws {ApiError} NO_SERVER when the folder holds no site */
  constructor(dataFolder: string) {
    if (!existsSync(join(dataFolder, 'site.json'))) {
      throw new ApiError(
        'NO_SERVER',
        `${dataFolder} holds no site: name the site's folder with --data, or make one with "sallyport site setup"`,
      );
    }
    this.#api = new LocalApiClient(localSocketPath(dataFolder), dataFolder);
  }

  /** The server's answer is of this same program's making: its shape is `R`. @throws {ApiError} */
  async ask<R, N extends ApiName | SiteApiName = ApiName | SiteApiName>(
    name: N,
    input: N extends ApiName ? ApiInput<N> : N extends SiteApiName ? SiteApiInput<N> : never,
  ): Promise<R> {
    return (await this.#api.call(name, input)) as R;
  }

  watch<R>(signal: AbortSignal): AsyncIterable<R> {
    return this.#api.watch(signal) as AsyncIterable<R>;
  }

  close(): Promise<void> {
    return this.#api.close();
  }
}

/** Who asks, for the history and for signed orders. */
export const administrator = userName;

/** Runs work with a client that is closed afterwards, whatever happens. */
export async function withSite<T>(dataFolder: string, work: (site: SiteClient) => Promise<T>): Promise<T> {
  const site = new SiteClient(dataFolder);
  try {
    return await work(site);
  } finally {
    await site.close();
  }
}
