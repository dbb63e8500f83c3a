import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { siteCode, hierarchyId } from '../shared/ids.ts';
import { joinMacInput, type JoinToken, parseJoinToken, printJoinToken } from './join.ts';

const hex = (digits: number) =>
  fc.string({
    unit: fc.constantFrom(...Array.from({ length: 16 }, (_, digit) => digit.toString(16))),
    minLength: digits,
    maxLength: digits,
  });

const token: fc.Arbitrary<JoinToken> = fc
  .record({
    id: hex(32),
    address: fc.constantFrom('127.0.0.1:7443', 'cas.example.test:1', '[::1]:65535'),
    hierarchyId: hex(64).map(hierarchyId),
    parentKey: hex(64),
    secret: hex(64),
    type: fc.constantFrom('primary' as const, 'secondary' as const),
    expiresAt: fc.maxSafeNat(),
  })
  .map((fields) => ({ schema: 1, parent: siteCode('CAS'), code: siteCode('P01'), ...fields }));

test('a token reads as it was printed, also across line breaks', () => {
  fc.assert(
    fc.property(token, fc.nat(300), (value, at) => {
      const text = printJoinToken(value);
      assert.match(text, /^sallyport-join-1\.[A-Za-z0-9_-]+$/);
      assert.deepEqual(parseJoinToken(`  ${text.slice(0, at)}\n  ${text.slice(at)}\n`), value);
    }),
  );
});

test('whatever is no whole token is refused as one', () => {
  const text = printJoinToken(fc.sample(token, 1)[0] as JoinToken);
  const withPort = (address: string) =>
    printJoinToken({ ...parseJoinToken(text), address: '127.0.0.1:1' }).length > address.length;
  assert.ok(withPort('x'));
  const body = (value: unknown) =>
    `sallyport-join-1.${Buffer.from(JSON.stringify(value)).toString('base64url')}`;
  for (const bad of [
    '',
    'hello',
    text.slice(0, -9),
    `${text}!`,
    text.replace('join-1', 'join-2'),
    'sallyport-join-1.',
    body({}),
    body([]),
    `sallyport-join-1.${'A'.repeat(9000)}`,
  ]) {
    assert.throws(() => parseJoinToken(bad), { code: 'BAD_TOKEN' }, bad.slice(0, 40));
  }
});

test('the MAC covers everything that is signed into the roster', () => {
  const fields = {
    hierarchyId: hierarchyId('0'.repeat(64)),
    tokenId: '1'.repeat(32),
    code: siteCode('P01'),
    type: 'primary' as const,
    parent: siteCode('CAS'),
    key: '2'.repeat(64),
  };
  const inputs = [
    fields,
    { ...fields, code: siteCode('P02') },
    { ...fields, type: 'secondary' as const },
    { ...fields, parent: siteCode('P03') },
    { ...fields, key: '3'.repeat(64) },
    { ...fields, tokenId: '4'.repeat(32) },
    { ...fields, hierarchyId: hierarchyId('5'.repeat(64)) },
  ].map((one) => Buffer.from(joinMacInput(one)).toString());
  assert.equal(new Set(inputs).size, inputs.length);
});
