import type { TLSSocket } from 'node:tls';
import { Agent, buildConnector } from 'undici';
import { LinkError } from '../../ports/link-error.ts';
import { peerKeyOf, type TlsIdentity } from './tls-identity.ts';

const connectTimeoutMs = 15_000;

/**
 * Connections that end at one key and nowhere else: TLS 1.3, this site's own certificate shown, the other side's
 * judged by its raw key alone. Sessions are not resumed, so that every connection proves it.
 */
export function pinnedAgent(options: {
  readonly identity: TlsIdentity;
  /** Asked with every connection. Raw Ed25519 key, in hexadecimal. */
  readonly peerKey: () => string;
  /** For messages: whose key it is. */
  readonly peer: string;
}): Agent {
  const { identity, peerKey, peer } = options;
  const connect = buildConnector({
    cert: identity.certificatePem,
    key: identity.keyPem,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: false,
    maxCachedSessions: 0,
    timeout: connectTimeoutMs,
  });
  return new Agent({
    connect: (to, done) => {
      connect(to, (...[error, socket]) => {
        if (error !== null) {
          done(error, null);
          return;
        }
        const shown = peerKeyOf(socket as TLSSocket);
        const expected = peerKey();
        if (shown === expected) {
          done(null, socket);
          return;
        }
        socket.destroy();
        done(foreignKey(peer, `${to.hostname}:${to.port}`, expected, shown), null);
      });
    },
  });
}

function foreignKey(peer: string, address: string, expected: string, shown: string | undefined): LinkError {
  return new LinkError(
    'FOREIGN_KEY',
    `what answers at ${address} is not ${peer}: it shows ${shown === undefined ? 'no Ed25519 key' : `the key ${shown.slice(0, 16)}…`} where ${expected.slice(0, 16)}… belongs; ` +
      `correct the address, or find out who answers there`,
    { address },
  );
}
