import process from 'node:process';
import { Command } from 'commander';
import { standardOutput } from './command/output.ts';
import { sallyportVersion } from '@sallyport/core/shared/release';
import { exitTwoOnUsage } from './command/run.ts';

interface Subcommand {
  readonly description: string;
  readonly load: () => Promise<Command>;
}

/** Loaded only when asked for: the courier's tool must not need a database, nor a site the publisher. */
const subcommands: Readonly<Record<string, Subcommand>> = {
  cloud: {
    description: 'The vendor’s side: publish, roll out, serve',
    load: async () => (await import('./cloud/command.ts')).cloudCommand(),
  },
  site: {
    description: 'A site: set it up, run it, ask it about itself',
    load: async () => (await import('./site/site-command.ts')).siteCommand(),
  },
  update: {
    description: 'Packages: check, show, download, install, follow',
    load: async () => (await import('./client/update-command.ts')).updateCommand(),
  },
  tool: {
    description: 'Carry requests out and updates in, where a site has no line to its vendor',
    load: async () => (await import('./tool/command.ts')).toolCommand(),
  },
  usage: {
    description: 'What leaves this hierarchy',
    load: async () => (await import('./client/usage-command.ts')).usageCommand(),
  },
};

standardOutput.guard();
const [name = '', ...argv] = process.argv.slice(2);

if (name === 'tuf-client') {
  // Not for people: it makes the trusted set drivable by the public TUF conformance suite.
  const { tufClient } = await import('./tuf-client.ts');
  process.exitCode = await tufClient(argv);
} else {
  const program = new Command('sallyport')
    .description('The guarded gate between a hierarchy of sites and its vendor’s cloud')
    .version(sallyportVersion);
  for (const [each, { description, load }] of Object.entries(subcommands)) {
    program.addCommand(each === name ? await load() : new Command(each).description(description));
  }
  // The words of the older service connection tool begin with one hyphen, which means something else to everybody.
  const words = name === 'tool' ? (await import('./tool/command.ts')).toolArguments(argv) : argv;
  await exitTwoOnUsage(program).parseAsync(
    [name, ...words].filter((word) => word !== ''),
    { from: 'user' },
  );
}
