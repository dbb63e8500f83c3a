import process from 'node:process';
import { MediumError } from '@sallyport/core/domain/exchange/medium-error';
import { messageOf } from '@sallyport/core/shared/errors';
import type { VendorWays } from '@sallyport/engine/components/courier/courier-ports';
import type { Clock } from '@sallyport/engine/ports/clock';
import { HttpContentSource } from '@sallyport/engine/transport/content-http/content-source';
import { HttpRepository } from '@sallyport/engine/transport/content-http/http-repository';
import {
  egressDispatcher,
  isProxyRefusal,
  type ProxyOptions,
} from '@sallyport/engine/transport/egress/proxy';
import { HttpVendorExchange } from '@sallyport/engine/transport/exchange-https/client';
import { askOnce, readPassphraseFile } from '../command/passphrase.ts';
import { type ProxyCommandOptions, proxyPasswordVariable } from './connect-command.ts';

/**
 * The proxy that the command line names, its password from a file, the environment or the terminal: never from the
 * command line, which whoever lists processes reads.
 *
 * @throws {MediumError} PROXY_REFUSED for an address that is none, or a user without a password
 */
export async function proxyOf(options: ProxyCommandOptions): Promise<ProxyOptions | undefined> {
  const { proxy, proxyUser: user, proxyPasswordFile } = options;
  if (proxy === undefined) {
    if (user === undefined) return undefined;
    throw new MediumError(
      'PROXY_REFUSED',
      '--proxy-user says who, and nothing says at which proxy: name it with --proxy',
    );
  }
  const url = URL.parse(/^[a-z]+:\/\//i.test(proxy) ? proxy : `http://${proxy}`);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    throw new MediumError(
      'PROXY_REFUSED',
      `${JSON.stringify(proxy)} is no address of a proxy: write it like http://proxy.example.com:3128, the user with --proxy-user`,
    );
  }
  if (user === undefined) return { url };
  const password =
    proxyPasswordFile === undefined
      ? (process.env[proxyPasswordVariable] ?? (await askedPassword(user)))
      : await readPassphraseFile(proxyPasswordFile);
  if (password === undefined) {
    throw new MediumError(
      'PROXY_REFUSED',
      `the password of ${user} at the proxy is missing: set ${proxyPasswordVariable}, or give --proxy-password-file, or sit at a terminal`,
    );
  }
  return { url, user, password };
}

async function askedPassword(user: string): Promise<string | undefined> {
  return process.stdin.isTTY && process.stderr.isTTY
    ? askOnce(`Password of ${user} at the proxy: `)
    : undefined;
}

/** The ways to vendors through a proxy or without one, and how to close them. */
export function vendorWays(proxy: ProxyOptions | undefined, clock: Clock) {
  const dispatcher = egressDispatcher(proxy);
  return {
    open: (url: string): VendorWays => {
      const base = url.endsWith('/') ? url : `${url}/`;
      return {
        exchange: new HttpVendorExchange({ baseUrl: base, dispatcher }),
        repository: new HttpRepository({
          metadataUrl: `${base}metadata/`,
          targetsUrl: `${base}targets/`,
          dispatcher,
        }),
        content: new HttpContentSource({ baseUrl: base, dispatcher, clock }),
      };
    },
    close: () => dispatcher.destroy(),
  };
}

/** A refusal of the proxy by its name, whatever it came wrapped in. */
export function namingProxy(error: unknown, proxy: ProxyOptions | undefined): unknown {
  if (proxy === undefined || !isProxyRefusal(error)) return error;
  const who =
    proxy.user === undefined ? 'it wants a user: give --proxy-user' : `check the password of ${proxy.user}`;
  return new MediumError(
    'PROXY_REFUSED',
    `the proxy ${proxy.url.host} lets nobody through (407): ${who}`,
    { proxy: proxy.url.host, why: messageOf(error).slice(0, 200) },
    { cause: error },
  );
}
