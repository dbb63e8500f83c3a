import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { bindLink } from './link-address.ts';

test('a port that somebody else has is named, with what can be done', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const server = {
    listen: async (wanted: { readonly host: string; readonly port: number }) => {
      const own = createServer().listen(wanted.port, wanted.host);
      await once(own, 'listening');
      return wanted;
    },
  };
  await assert.rejects(bindLink(server, { host: '127.0.0.1', port }), (error: Error) => {
    assert.match(
      error.message,
      new RegExp(`127\\.0\\.0\\.1 port ${port}: .*EADDRINUSE.*"link" in site\\.json`),
    );
    return 'code' in error && error.code === 'CANNOT_LISTEN';
  });
});
