import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { MediumError } from '../domain/exchange/medium-error.ts';
import type { MediumIndex, MediumRequest } from '../domain/exchange/medium.ts';
import { digest, hierarchyId, packageGuid, productId } from '../shared/ids.ts';
import { enrolmentFormat } from './enrolment.ts';
import { mediaPolicyFormat } from './media-policy.ts';
import {
  mediumAnswerFormat,
  mediumIndexFormat,
  mediumRequestFormat,
  parseContentList,
  printContentList,
} from './medium.ts';
import { readMediumIndex } from './medium-reading.ts';
import { testDocument } from './test-support/hostile.ts';

const sha = (text: string) => digest(createHash('sha256').update(text).digest('hex'));
const id = hierarchyId('a'.repeat(64));
const at = '2026-11-24T19:00:00Z';
const versions = { root: 1, timestamp: 4, snapshot: 3, targets: 2 };

const request: MediumRequest = {
  schema: 1,
  madeBy: '0.1.0',
  hierarchyId: id,
  operatingKey: { payloadType: 'x', payload: 'AA==', signatures: [{ keyid: 'k', sig: 'AA==' }] },
  epoch: 1,
  sequence: 3,
  preparedAt: at,
  vendor: { name: 'Example', url: 'https://updates.example.com/' },
  root: { version: 1, sha256: sha('root') },
  trusted: versions,
  products: [{ product: productId('hello'), version: '1.0' }],
  choice: 'site-version',
  parts: [
    {
      name: 'envelope-0001',
      sizeBytes: 10,
      sha256: sha('1'),
      envelope: { what: 'facts 1', payloadSha256: sha('p') },
    },
    { name: 'have', sizeBytes: 8, sha256: sha('2') },
  ],
  heldBlobs: 1,
  lastImport: { importedAt: at, writtenAt: at, receipts: 1, offer: 2, blobs: 3, sizeBytes: 4 },
};

const index: MediumIndex = {
  schema: 1,
  madeBy: '0.1.0',
  vendor: request.vendor,
  roots: [request.root],
  metadata: versions,
  writtenAt: at,
  part: 1,
  parts: 2,
  complete: true,
  hierarchies: [
    {
      hierarchyId: id,
      epoch: 1,
      sequence: 3,
      preparedAt: at,
      packages: [
        {
          guid: packageGuid('00000000-0000-4000-8000-000000000001'),
          product: productId('hello'),
          name: 'Hello 1.1',
          version: '1.1',
          kind: 'version-update',
        },
      ],
      blobs: 2,
      sizeBytes: 20,
      missingBlobs: 0,
      missingBytes: 0,
      problems: ['one'],
    },
  ],
};

describe('what travels with a courier', () => {
  testDocument(mediumRequestFormat, request, [
    'schema',
    'madeBy',
    'hierarchyId',
    'operatingKey',
    'epoch',
    'sequence',
    'preparedAt',
    'vendor',
    'root',
    'products',
    'parts',
    'heldBlobs',
  ]);
  testDocument(mediumIndexFormat, index, [
    'schema',
    'madeBy',
    'vendor',
    'roots',
    'writtenAt',
    'part',
    'parts',
    'complete',
    'hierarchies',
  ]);
  testDocument(
    mediumAnswerFormat,
    { schema: 1, envelopes: ['AAAA'], refused: [{ payloadSha256: sha('p'), code: 'OLDER', message: 'no' }] },
    ['schema', 'envelopes', 'refused'],
  );
  testDocument(enrolmentFormat, { schema: 1, hierarchyId: id, code: 'AAAAA-AAAAA', statement: 'AAAA' }, [
    'schema',
    'hierarchyId',
    'code',
    'statement',
  ]);
  testDocument(mediaPolicyFormat, { schema: 1, maxAgeMs: 86_400_000, changedAt: at, changedBy: 'root' }, [
    'schema',
    'maxAgeMs',
    'changedAt',
    'changedBy',
  ]);
});

test('parts have plain names, and each once', () => {
  for (const name of ['../x', 'a/b', '.hidden', 'A', '', 'x'.repeat(65)]) {
    const parts = [{ ...request.parts[1], name }];
    assert.notDeepEqual(mediumRequestFormat.problems({ ...request, parts }), [], name);
  }
  const twice = { ...request, parts: [request.parts[1], request.parts[1]] };
  assert.deepEqual(
    mediumRequestFormat.problems(twice).map(({ path }) => path),
    ['/parts/1/name'],
  );
});

test('a content list gives back its blobs, and passes over what is none', () => {
  const blobs = [
    { sha256: sha('a'), sizeBytes: 0 },
    { sha256: sha('b'), sizeBytes: 123_456_789_012 },
  ];
  assert.deepEqual(parseContentList(printContentList(blobs)), blobs);
  const text = `${sha('a')} 1\n../../etc/passwd 1\n${sha('b')}\n${sha('c')} -1\n${sha('d')} 99999999999999999999\n`;
  assert.deepEqual(parseContentList(new TextEncoder().encode(text)), [{ sha256: sha('a'), sizeBytes: 1 }]);
});

test('an index of a newer kind is told from a damaged one', () => {
  const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const code = (value: unknown): string => {
    try {
      readMediumIndex(bytes(value), 'x');
      return 'read';
    } catch (error) {
      assert.ok(error instanceof MediumError);
      return error.code;
    }
  };
  assert.equal(code(index), 'read');
  assert.equal(code({ ...index, addedLater: 1 }), 'read');
  assert.equal(code({ ...index, schema: 2 }), 'TOOL_OLDER');
  assert.equal(code({ ...index, schema: 0 }), 'EDITED');
  assert.equal(code([]), 'EDITED');
});
