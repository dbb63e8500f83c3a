import { readFileSync } from 'node:fs';
import process from 'node:process';

export async function newPassphrase(what: string, file: string | undefined): Promise<string> {
  await Promise.resolve();
  const text = file === undefined ? process.env['SALLYPORT_PASSPHRASE'] : readFileSync(file, 'utf8').trimEnd();
  if (text === undefined || text === '') throw new Error(`a passphrase is needed for ${what}: give --passphrase-file, or set SALLYPORT_PASSPHRASE`);
  return text;
}
