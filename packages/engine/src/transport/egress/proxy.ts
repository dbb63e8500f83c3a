import { Agent, type Dispatcher, ProxyAgent } from 'undici';

/** A proxy on the way to the internet. */
export interface ProxyOptions {
  readonly url: URL;
  readonly user?: string;
  readonly password?: string;
}

/**
 * How connections to the vendor are made: through a proxy where one is given. User and password go in a header of their
 * own, whatever characters they have.
 */
export function egressDispatcher(proxy: ProxyOptions | undefined): Dispatcher {
  if (proxy === undefined) return new Agent();
  const { url, user, password = '' } = proxy;
  const token =
    user === undefined ? undefined : `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;
  return new ProxyAgent({ uri: url.href, ...(token === undefined ? {} : { token }) });
}

/** Whether it was the proxy that refused, for want of a good user and password. */
export function isProxyRefusal(failure: unknown): boolean {
  for (let at = failure; at instanceof Error; at = at.cause)
    if (/^Proxy .*\(407\)/.test(at.message)) return true;
  return false;
}
