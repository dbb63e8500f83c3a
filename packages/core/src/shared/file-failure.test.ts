import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileFailureOf, fileFailureText } from './file-failure.ts';

function failure(code: string, path?: string): Error {
  return Object.assign(new Error(`${code}: whatever`), { code, ...(path === undefined ? {} : { path }) });
}

test('tells a failed file operation by cause, place and remedy', () => {
  assert.equal(
    fileFailureText(failure('ENOSPC', '/srv/data/a')),
    '/srv/data/a cannot be used: the disk is full (ENOSPC); make room on it and try again',
  );
  assert.match(fileFailureText(failure('EROFS'), '/srv/data') ?? '', /^\/srv\/data .* read-only .*mount it/);
  assert.match(fileFailureText(failure('EIO')) ?? '', /^a file cannot be used/);
});

test('has nothing to say of what no file system said', () => {
  for (const other of [
    new Error('no'),
    failure('constructor'),
    failure('ERR_INVALID_ARG_TYPE'),
    'ENOSPC',
    undefined,
  ]) {
    assert.equal(fileFailureOf(other), undefined);
    assert.equal(fileFailureText(other), undefined);
  }
});
