import { readFileSync } from 'node:fs';
import process from 'node:process';

// Loaded into a process before everything else (NODE_OPTIONS=--import=…): moves its clock by so many milliseconds. The
// number is that of the environment at first, and that of the file after each SIGUSR2, while the process runs.
let shiftMs = Number(process.env['CLOCK_SHIFT_MS'] ?? '0');
const file = process.env['CLOCK_SHIFT_FILE'];
const now = Date.now.bind(Date);

Date.now = () => now() + shiftMs;
if (file !== undefined) {
  process.on('SIGUSR2', () => {
    shiftMs = Number(readFileSync(file, 'utf8'));
  });
}
