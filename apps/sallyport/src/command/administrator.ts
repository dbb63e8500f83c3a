import { userInfo } from 'node:os';
import process from 'node:process';

/** Who asks, for histories, audits and signed orders: the user of this machine. */
export function administrator(): string {
  return process.env['SUDO_USER'] ?? userInfo().username;
}
