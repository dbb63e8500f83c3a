import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { connect } from 'node:tls';
import { siteCode } from '@sallyport/core/shared/ids';
import {
  joinedSite,
  startChild,
  startTopTier,
  topTierSite,
  type TestSite,
} from '../../../test-support/site-network.ts';
import { systemClock } from '../../compute/clock.ts';
import { nodeKeys } from '../../compute/ed25519.ts';
import type { LinkHello } from '../../ports/parent-link.ts';
import { memoryDatabase } from '../../storage/sqlite/test-support/databases.ts';
import { adoptHierarchy } from '../../components/hierarchy-identity/hierarchy-setting.ts';
import { PeerTlsJoin } from './peer-tls-join.ts';
import { PeerTlsLink } from './peer-tls-link.ts';
import { rawKeyOf, tlsIdentity, type TlsIdentity } from './tls-identity.ts';

const hello: LinkHello = {
  site: siteCode('P01'),
  epoch: 1,
  protocols: { lowest: 1, highest: 1 },
  tufVersions: {},
  head: 0,
  cursor: 0,
  peerEpoch: 1,
};
const patience = (): AbortSignal => AbortSignal.timeout(15_000);

function linkTo(
  t: { after(work: () => unknown): void },
  address: string,
  parentKey: string,
  identity: TlsIdentity,
): PeerTlsLink {
  const link = new PeerTlsLink({
    parent: siteCode('CAS'),
    address,
    parentKey: () => parentKey,
    identity,
    clock: systemClock,
  });
  t.after(() => link.close());
  return link;
}

function keyOf(site: TestSite): string {
  return site.view.current().roster.sites.find(({ code }) => code === site.code)?.key ?? '';
}

test('a certificate says nothing but its key, for ever', async () => {
  const secret = nodeKeys.generate();
  const { certificatePem } = await tlsIdentity(secret, 'P01');
  const certificate = new X509Certificate(certificatePem);
  assert.equal(rawKeyOf(certificate), nodeKeys.open(secret).publicKey);
  assert.equal(certificate.subject, 'CN=P01');
  assert.match(certificate.validTo, /9999/);
});

test('a stranger is told to join, a site of another parent where it belongs, and both are logged', async (t) => {
  const top = await topTierSite(t);
  const primary = await joinedSite(t, top, top, 'P01', 'primary');
  const stranger = await tlsIdentity(nodeKeys.generate(), 'XYZ');
  await assert.rejects(linkTo(t, top.address, keyOf(top), stranger).hello(hello, patience()), {
    code: 'NOT_IN_ROSTER',
    message: /join with a token from the top-tier site/,
  });
  await top.log.line(/Refused a site link from 127.0.0.1: the key .* belongs to no site/);
  const secondary = await joinedSite(t, top, primary, 'S01', 'secondary');
  await assert.rejects(linkTo(t, top.address, keyOf(top), secondary.identity).hello(hello, patience()), {
    code: 'REFUSED',
    message: /parent of site S01 is P01, not CAS/,
  });
  // Nothing else is open to them either.
  const content = linkTo(t, top.address, keyOf(top), stranger).content;
  await assert.rejects(content.open({ sha256: 'a'.repeat(64) as never, sizeBytes: 1 }, 0, patience()));
  await assert.rejects(linkTo(t, top.address, keyOf(top), stranger).pull(0, 0, patience()), {
    code: 'NOT_IN_ROSTER',
  });
});

test('a child speaks to nobody but the key it knows, whoever answers', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  const other = await topTierSite(t, 'ZZZ');
  await assert.rejects(linkTo(t, other.address, keyOf(top), child.identity).hello(hello, patience()), {
    code: 'FOREIGN_KEY',
    message: /is not parent site CAS: it shows the key/,
  });
  assert.deepEqual(
    other.log.lines.filter((line) => line.includes('Refused')),
    [],
    'it was sent nothing',
  );
});

test('a site of another hierarchy is refused by the parent, and its own log says so', async (t) => {
  const ours = await topTierSite(t);
  const theirs = await topTierSite(t, 'ZZZ');
  const child = await joinedSite(t, theirs, theirs, 'P01', 'primary');
  await child.stop();
  // The address of the wrong parent, and its key as well: as if the roster had been forged there.
  await assert.rejects(linkTo(t, ours.address, keyOf(ours), child.identity).hello(hello, patience()), {
    code: 'NOT_IN_ROSTER',
  });
  const lost = await startChild(t, child.code, child.vault, child.database, {
    code: theirs.code,
    address: ours.address,
  });
  await lost.log.line(/link to parent site ZZZ is down \(FOREIGN_KEY\)/);
});

test('a port where nothing listens, and one where something else does, are told apart from a parent', async (t) => {
  const identity = await tlsIdentity(nodeKeys.generate(), 'P01');
  const silent = createServer((socket) => {
    // Clients hang up on purpose here.
    socket.on('error', () => undefined).resume();
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  await assert.rejects(linkTo(t, `127.0.0.1:${port}`, 'ab'.repeat(32), identity).hello(hello, patience()), {
    code: 'UNREACHABLE',
  });
  silent.close();
  await once(silent, 'close');
  await assert.rejects(linkTo(t, `127.0.0.1:${port}`, 'ab'.repeat(32), identity).hello(hello, patience()), {
    code: 'UNREACHABLE',
    message: /start its site server, or check address/,
  });
});

test('callers without a key, however many hold a connection open, keep no child out', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  await child.log.line(/Linked with parent/);
  const before = linkTo(t, top.address, keyOf(top), child.identity);
  await before.hello(hello, patience());
  const [host = '', port = ''] = top.address.split(':');
  const callers: Socket[] = [];
  t.after(() => callers.forEach((caller) => caller.destroy()));
  const call = async (socket: Socket, ready: string): Promise<void> => {
    callers.push(socket.on('error', () => undefined).resume());
    await once(socket, ready);
  };
  const handshakes = Array.from({ length: 20 }, async () => {
    const caller = connect({ host, port: Number(port), rejectUnauthorized: false });
    await call(caller, 'secureConnect');
    caller.write('POST /join/v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{');
  });
  await Promise.all(handshakes);
  for (let batch = 0; batch < 10; batch += 1) {
    const batchOf = Array.from({ length: 60 }, () =>
      call(connectPlain({ host, port: Number(port) }), 'connect'),
    );
    await Promise.all(batchOf);
  }
  await top.log.line(/More than 512 connections are open without the key of a child site/);
  await linkTo(t, top.address, keyOf(top), child.identity).hello(hello, patience());
  await before.hello(hello, patience());
  const open = (): number => callers.filter(({ closed }) => !closed).length;
  while (open() > 512) await setTimeout(5, undefined, { signal: patience() });
  assert.ok(
    callers.slice(0, 20).every(({ closed }) => closed),
    'the oldest made room',
  );
  await top.stop();
});

test('TLS below 1.3 is refused', async (t) => {
  const top = await topTierSite(t);
  const [host = '', port = ''] = top.address.split(':');
  const socket = connect({ host, port: Number(port), maxVersion: 'TLSv1.2', rejectUnauthorized: false });
  const [error] = (await once(socket, 'error')) as [Error & { code?: string }];
  assert.match(error.code ?? error.message, /PROTOCOL_VERSION|ECONNRESET/);
});

test('a child without a protocol in common is told which side is older', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  await assert.rejects(
    child.link?.hello({ ...hello, protocols: { lowest: 7, highest: 9 } }, patience()) ?? Promise.resolve(),
    {
      code: 'PROTOCOL',
      message: /update the older of the two/,
    },
  );
});

test('messages that are none are refused with what is wrong in them', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  const link = linkTo(t, top.address, keyOf(top), child.identity);
  await assert.rejects(link.hello({ ...hello, head: -1 }, patience()), {
    code: 'REFUSED',
    message: /link greeting is not valid/,
  });
  await assert.rejects(link.hello({ ...hello, site: siteCode('P02') }, patience()), {
    code: 'REFUSED',
    message: /calls itself P02/,
  });
  await assert.rejects(link.pull(-1, 0, patience()), { code: 'REFUSED' });
});

test('a parent that was started anew gives and takes records only after a new greeting', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  await child.log.line(/Linked with parent/);
  await child.stop();
  await top.stop();
  const again = await startTopTier(t, top.code, top.vault, top.database);
  const link = linkTo(t, again.address, keyOf(again), child.identity);
  await assert.rejects(link.pull(0, 0, patience()), { code: 'STALLED', message: /greet again/ });
  await assert.rejects(link.push([], 0, patience()), { code: 'STALLED' });
  await link.hello({ ...hello, head: 1000 }, patience());
  assert.ok((await link.pull(0, 0, patience())).records.length > 0);
});

test('a stranger may compare the vendor’s root with its own before it joins, and nothing else', async (t) => {
  const top = await topTierSite(t);
  const root = new TextEncoder().encode('{"signed": {"version": 1}}\n');
  await top.trust.saveRoot(1, root);
  const token = { address: top.address, parent: siteCode('CAS'), parentKey: keyOf(top) };
  const channel = new PeerTlsJoin(token, await tlsIdentity(nodeKeys.generate(), 'XYZ'));
  t.after(() => channel.close());
  assert.deepEqual(new Uint8Array((await channel.trustRoot(1, patience())) ?? []), root);
  for (const version of [2, 1e9, 1.5, -1])
    assert.equal(await channel.trustRoot(version, patience()), undefined);
});

test('content and vendor metadata come from the parent byte by byte', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  const { link } = child;
  assert.ok(link !== undefined);
  const bytes = new Uint8Array(300_000).map((_, index) => index % 251);
  const blob = await top.blobs.putBytes(bytes);
  const { startsAt, chunks } = await link.content.open(blob, 100_000, patience());
  assert.equal(startsAt, 100_000);
  assert.deepEqual(await collect(chunks), bytes.subarray(100_000));
  assert.deepEqual([...(await link.content.offers([blob.sha256], patience()))], [blob.sha256]);

  const root = new TextEncoder().encode('{"signed": {"version": 1}}\n');
  await top.trust.saveRoot(1, root);
  assert.deepEqual(
    new Uint8Array((await link.repository.metadata('1.root.json', { maxBytes: 1000 }, patience())) ?? []),
    root,
  );
  assert.equal(await link.repository.metadata('2.root.json', { maxBytes: 1000 }, patience()), undefined);
  const target = await link.repository.target(
    `catalog/${blob.sha256}.typescript.json`,
    { maxBytes: 1_000_000 },
    patience(),
  );
  assert.ok(target !== undefined);
  assert.deepEqual(await collect(target), bytes);
  assert.equal(
    await link.repository.target(`catalog/${'0'.repeat(64)}.x.json`, { maxBytes: 1000 }, patience()),
    undefined,
  );
  assert.equal(await link.repository.target('service.json', { maxBytes: 1000 }, patience()), undefined);
});

test('a parent that stops does not keep its children waiting', async (t) => {
  const top = await topTierSite(t);
  const child = await joinedSite(t, top, top, 'P01', 'primary');
  await child.log.line(/Linked with parent/);
  await top.stop();
  await child.log.line(/is down \(UNREACHABLE\)/);
});

test('a site whose parent has another key by a newer roster follows the roster', async (t) => {
  const top = await topTierSite(t);
  const database = memoryDatabase('P09');
  adoptHierarchy(database, top.view.current().documents);
  let key = 'ab'.repeat(32);
  const identity = await tlsIdentity(nodeKeys.generate(), 'P09');
  const link = new PeerTlsLink({
    parent: top.code,
    address: top.address,
    parentKey: () => key,
    identity,
    clock: systemClock,
  });
  t.after(() => link.close());
  await assert.rejects(link.hello(hello, patience()), { code: 'FOREIGN_KEY' });
  key = keyOf(top);
  await assert.rejects(link.hello(hello, patience()), { code: 'NOT_IN_ROSTER' });
  database.close();
});

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) {
    parts.push(chunk);
  }
  return new Uint8Array(Buffer.concat(parts));
}
