import process from 'node:process';
import { sallyportVersion } from '@sallyport/core/shared/release';
import { standardOutput } from '../command/output.ts';
import { exitTwoOnUsage } from '../command/run.ts';
import { toolArguments, toolCommand } from './command.ts';

/*
 * The tool by itself, for a machine that has nothing of Sallyport: `npm run build:tool` makes one file of it.
 */

standardOutput.guard();
await exitTwoOnUsage(toolCommand().name('sallyport-tool').version(sallyportVersion)).parseAsync(
  [...toolArguments(process.argv.slice(2))],
  { from: 'user' },
);
