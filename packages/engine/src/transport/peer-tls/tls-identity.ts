import 'reflect-metadata';
import { createPrivateKey, type KeyObject, type webcrypto, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { X509CertificateGenerator } from '@peculiar/x509';

/** What a site shows on its links: a certificate that says nothing but its key. */
export interface TlsIdentity {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Bytes of SubjectPublicKeyInfo for Ed25519 (RFC 8410) before the 32 bytes of the key itself. */
const spkiPrefixBytes = 12;

/**
 * Makes a site's link certificate: self-signed, because the roster pins keys and nobody looks at an issuer, and valid
 * from long ago for ever, because no date may end a link.
 *
 * @param secret the site's link key, PKCS#8 DER
 * @param name for people who look at it: the site code
 */
export async function tlsIdentity(secret: Uint8Array, name: string): Promise<TlsIdentity> {
  const privateKey = createPrivateKey({ key: Buffer.from(secret), format: 'der', type: 'pkcs8' });
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date('2000-01-01T00:00:00Z'),
    notAfter: new Date('9999-12-31T23:59:59Z'),
    signingAlgorithm: { name: 'Ed25519' },
    keys: await webKeys(privateKey),
  });
  return {
    certificatePem: certificate.toString('pem'),
    keyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  };
}

/** The raw Ed25519 key that the other end of a connection has proved to hold, in hexadecimal; undefined for none. */
export function peerKeyOf(socket: TLSSocket): string | undefined {
  const certificate = socket.getPeerX509Certificate();
  return certificate && rawKeyOf(certificate);
}

/** Undefined for a certificate of any other kind of key. */
export function rawKeyOf(certificate: X509Certificate): string | undefined {
  const { publicKey } = certificate;
  return publicKey.asymmetricKeyType === 'ed25519'
    ? publicKey.export({ format: 'der', type: 'spki' }).subarray(spkiPrefixBytes).toString('hex')
    : undefined;
}

async function webKeys(privateKey: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const { subtle } = globalThis.crypto;
  const jwk = privateKey.export({ format: 'jwk' });
  const { kty, crv, x } = jwk;
  return {
    privateKey: await subtle.importKey('jwk', jwk, 'Ed25519', true, ['sign']),
    publicKey: await subtle.importKey('jwk', { kty, crv, x } as webcrypto.JsonWebKey, 'Ed25519', true, [
      'verify',
    ]),
  };
}
