import process from 'node:process';

const version = '1.0';
const asked = process.argv[2];

if (asked === '--version') {
  console.log(`hello ${version}`);
} else {
  console.log(`Hello, ${asked ?? 'world'}!`);
}
