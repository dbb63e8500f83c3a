import { subscribe } from 'node:diagnostics_channel';
import { checkpoint } from './marks.ts';
import { stable } from './places.ts';

interface Asked {
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly url?: string | undefined;
}

/** Checkpoints at every request that is sent and answered, by this process and to it. */
export function watchRequests(): void {
  on('undici:request:create', 'ask');
  on('undici:request:trailers', 'read answer of');
  on('http.server.request.start', 'asked');
  on('http.server.response.finish', 'answered to');
}

function on(channel: string, what: string): void {
  subscribe(channel, (message) => {
    const { request } = message as { readonly request: Asked };
    const path = (request.path ?? request.url ?? '')
      .replace(/\?.*$/, '')
      .replace(/^\/(metadata|targets)\/.*/, '/$1/<file>');
    // Nothing changes by answering who only reads.
    if (what === 'answered to' && request.method === 'GET') return;
    checkpoint(`${what} ${request.method ?? ''} ${stable(path)}`);
  });
}
