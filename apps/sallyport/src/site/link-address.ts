import { messageOf } from '@sallyport/core/shared/errors';
import { ConfigError } from './site-config.ts';

/** Where child sites dial in. */
export interface LinkAddress {
  readonly host: string;
  readonly port: number;
}

/** Answers the address that the server got. @throws {ConfigError} CANNOT_LISTEN */
export async function bindLink(
  server: { listen(wanted: LinkAddress): Promise<LinkAddress> },
  wanted: LinkAddress,
): Promise<LinkAddress> {
  try {
    return await server.listen(wanted);
  } catch (cause) {
    throw new ConfigError(
      'CANNOT_LISTEN',
      `cannot listen for child sites on ${wanted.host} port ${wanted.port}: ${messageOf(cause)}; end what uses the port, or name another address under "link" in site.json and under "parent" in those of the child sites`,
      {},
      { cause },
    );
  }
}
