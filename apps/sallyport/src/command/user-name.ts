import { userInfo } from 'node:os';
import process from 'node:process';

/** Who asks, for histories and audits: the user of this machine. */
export function userName(): string {
  return process.env['SUDO_USER'] ?? userInfo().username;
}
