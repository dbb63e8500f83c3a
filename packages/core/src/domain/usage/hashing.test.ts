import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { compatibleHash, hashIdentifying } from './hashing.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('base64');

test('replaces names and nothing else', () => {
  const hashed = hashIdentifying(
    {
      'topology.siteList': [
        { site: 'PR1', parent: 'CAS', type: 'primary', epoch: 1, revoked: false },
        { site: 'CAS', type: 'central', epoch: 2, revoked: false },
      ],
      'updates.states': [{ product: 'PR1', state: 'ENABLED', packages: 1 }],
      'setup.products': [],
    },
    (text) => `<${text}>`,
  );
  assert.deepEqual(hashed, {
    'topology.siteList': [
      { site: '<PR1>', parent: '<CAS>', type: 'primary', epoch: 1, revoked: false },
      { site: '<CAS>', type: 'central', epoch: 2, revoked: false },
    ],
    'updates.states': [{ product: 'PR1', state: 'ENABLED', packages: 1 }],
    'setup.products': [],
  });
});

test('leaves out what the registry does not know, for it may be a name', () => {
  const hashed = hashIdentifying(
    {
      'topology.futureItem': [{ host: 'server1' }],
      'topology.sites': [JSON.parse('{"type":"primary","host":"server1","__proto__":{"sites":9}}')],
    },
    (text) => text,
  );
  assert.deepEqual(hashed, { 'topology.sites': [{ type: 'primary' }] });
});

test('hashes a cell of an identifying column whatever its type', () => {
  assert.deepEqual(
    hashIdentifying({ 'topology.siteVersions': [{ site: 17 }] }, (text) => `<${text}>`),
    { 'topology.siteVersions': [{ site: '<17>' }] },
  );
});

test('gives the two hashes of the reference', () => {
  assert.equal(
    compatibleHash('00112233-4455-6677-8899-aabbccddeeff', sha256),
    '7j+TrPRMOucNbwosBdtDxv52b15Le7VcspAWeieS3Ws=',
  );
  assert.equal(compatibleHash('Sites', sha256), 'BXpoTC/ctDgzVRKeMZgJgYV5GA4KCZ3+KiuQ/HnjVLc=');
});

test('takes a GUID in each form of .NET for the same one', () => {
  const expected = compatibleHash('00112233-4455-6677-8899-aabbccddeeff', sha256);
  for (const form of [
    '00112233445566778899AABBCCDDEEFF',
    '00112233-4455-6677-8899-AABBCCDDEEFF',
    '{00112233-4455-6677-8899-aabbccddeeff}',
    '(00112233-4455-6677-8899-aabbccddeeff)',
    '{0x00112233,0x4455,0x6677,{0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee,0xff}}',
    '{0x112233, 0x4455, 0x6677, {0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}}',
    '  00112233-4455-6677-8899-aabbccddeeff\t',
  ])
    assert.equal(compatibleHash(form, sha256), expected, form);
});

test('takes what is nearly a GUID as text', () => {
  for (const text of [
    '00112233-4455-6677-8899-aabbccddeef',
    '{00112233-4455-6677-8899-aabbccddeeff',
    '00112233-44556677-8899-aabbccddeeff',
    '{0x00112233,0x4455,0x6677,{0x88,0x99,0xaa,0xbb,0xcc,0xdd,0xee}}',
    'g0112233445566778899AABBCCDDEEFF',
  ]) {
    const bytes = new Uint8Array(Buffer.from(text, 'utf16le'));
    assert.equal(compatibleHash(text, sha256), sha256(bytes), text);
  }
});
