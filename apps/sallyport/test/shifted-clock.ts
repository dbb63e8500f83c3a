import process from 'node:process';

// Loaded into a process before everything else (NODE_OPTIONS=--import=…): moves its clock by so many milliseconds.
const shiftMs = Number(process.env['CLOCK_SHIFT_MS'] ?? '0');
const now = Date.now.bind(Date);

Date.now = () => now() + shiftMs;
