import process from 'node:process';
import { Command, Option } from 'commander';
import type {
  ActionResult,
  ApiInput,
  CheckResult,
  ConsentInput,
  HistoryResult,
  ListResult,
  ShowResult,
  StatusResult,
  WarningsResult,
  WhyResult,
} from '@sallyport/core/wire/api';
import type { SiteCode } from '@sallyport/core/shared/ids';
import {
  type NamedWarning,
  positiveNumber,
  siteCodeArgument,
  siteCodesArgument,
  warningsArgument,
} from '../command/arguments.ts';
import { administrator } from '../command/administrator.ts';
import { standardOutput } from '../command/output.ts';
import { exitCodes, printJson, printLine, runCommand } from '../command/run.ts';
import { renderCheck, renderList, renderShow, renderWhy } from './render-packages.ts';
import { renderAction, renderHistory, renderStatus, renderWarnings } from './render-status.ts';
import { type Common, common, query, show } from './query.ts';
import { type SiteClient, withSite } from './site-client.ts';
import { followAction, followStatus } from './wait.ts';

interface Waiting extends Common {
  readonly wait?: true;
  readonly timeoutMinutes?: number;
}

interface Consenting {
  readonly ignoreWarning?: readonly NamedWarning[];
  readonly ignoreKnownWarnings?: true;
}

/** `sallyport update …`: the packages of this hierarchy, asked of the site server that runs on this machine. */
export function updateCommand(): Command {
  const update = new Command('update').description('Packages: check, show, download, install, follow');
  addCheck(update);
  query(
    update,
    'list',
    'Packages with their states',
    (site, { all }: { all?: true }) => site.ask<ListResult>('list', { ...(all && { all }) }),
    renderList,
  ).option('--all', 'also packages that do not apply or are hidden');
  aboutPackage(
    update,
    'show',
    'Everything about one package, its licence included',
    (site, id) => site.ask<ShowResult>('show', { id }),
    renderShow,
  );
  aboutPackage(
    update,
    'why',
    'Why a package is offered or not: which rule, which fact, what would change it',
    (site, id) => site.ask<WhyResult>('why', { id }),
    renderWhy,
  );
  aboutPackage(
    update,
    'warnings',
    'Warnings of the last prerequisite check, per site',
    (site, id) => site.ask<WarningsResult>('warnings', { id }),
    renderWarnings,
  );
  followed(update, 'download', 'Download a package', (site, id) =>
    site.ask<ActionResult>('download', { id, by: administrator() }),
  );
  followed(
    update,
    'check-prerequisites',
    'Check prerequisites at every site and change nothing',
    (site, id) => site.ask<ActionResult>('check-prerequisites', { id, by: administrator() }),
  );
  install(update);
  upgradeSecondary(update);
  action(update, 'cancel', 'Cancel an install, until the switch to the new release begins', (site, id) =>
    site.ask<ActionResult>('cancel', { id, by: administrator() }),
  );
  retry(update);
  action(
    update,
    'reset',
    'Forget an attempt of which nothing is installed yet',
    (site, id, { deleteContent }: { deleteContent?: true }) =>
      site.ask<ActionResult>('reset', { id, by: administrator(), ...(deleteContent && { deleteContent }) }),
  ).option('--delete-content', 'also remove what was downloaded');
  maybeAboutPackage(
    update,
    'history',
    'What happened to a package, or to all',
    (site, input) => site.ask<HistoryResult>('history', input),
    renderHistory,
  );
  addStatus(update);
  return update;
}

/** A channel that failed makes the check a failed one, whatever the others brought: no script takes it for "nothing new". */
function addCheck(parent: Command): void {
  common(parent.command('check').description('Ask the vendor now and show what is available')).action(
    (options: Common) =>
      show(
        options,
        async (site) => {
          const result = await site.ask<CheckResult>('check', {});
          const { metadata, facts, offer, usage } = result.exchange;
          if ([metadata, facts, offer, usage].some((channel) => channel.result === 'failed'))
            process.exitCode = exitCodes.failed;
          return result;
        },
        renderCheck,
      ),
  );
}

function addStatus(parent: Command): void {
  const command = parent
    .command('status [package]')
    .description('Every site’s state, what it does, and why it waits')
    .option('--follow', 'go on showing it as it changes, until Ctrl-C');
  common(command).action((id: string | undefined, options: Common & { follow?: true }) =>
    options.follow
      ? runCommand(options.json === true, (signal) =>
          withSite(options.data, signal, (site) =>
            followStatus(site, AbortSignal.any([signal, standardOutput.lost])),
          ),
        )
      : show(
          options,
          (site) => site.ask<StatusResult>('status', id === undefined ? {} : { id }),
          renderStatus,
        ),
  );
}

function aboutPackage<R>(
  parent: Command,
  name: string,
  description: string,
  ask: (site: SiteClient, id: string) => Promise<R>,
  render: (result: R) => string,
): void {
  common(
    parent
      .command(`${name} <package>`)
      .description(`${description} (<package>: GUID, version, or product@version)`),
  ).action((id: string, options: Common) => show(options, (site) => ask(site, id), render));
}

function maybeAboutPackage<R>(
  parent: Command,
  name: string,
  description: string,
  ask: (site: SiteClient, input: ApiInput<'history'>) => Promise<R>,
  render: (result: R) => string,
): void {
  common(parent.command(`${name} [package]`).description(description)).action(
    (id: string | undefined, options: Common) =>
      show(options, (site) => ask(site, id === undefined ? {} : { id }), render),
  );
}

/** A command that makes something happen. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- commander's options have no type: the caller says what it declared
function action<O extends object>(
  parent: Command,
  name: string,
  description: string,
  ask: (site: SiteClient, id: string, options: O) => Promise<ActionResult>,
): Command {
  return common(parent.command(`${name} <package>`).description(description)).action(
    (id: string, options: Common & O) => show(options, (site) => ask(site, id, options), renderAction),
  );
}

/** A command that makes something happen which takes its time. */
function followed(
  parent: Command,
  name: string,
  description: string,
  ask: (site: SiteClient, id: string) => Promise<ActionResult>,
): void {
  withWaiting(common(parent.command(`${name} <package>`).description(description))).action(
    (id: string, options: Waiting) => act(options, (site) => ask(site, id)),
  );
}

function install(parent: Command): void {
  const command = parent
    .command('install <package>')
    .description('Install a package: at the top-tier site, then at every primary')
    .option('--accept-licence', 'accept the licence terms that "sallyport update show" prints')
    .option('--feature <id...>', 'turn optional features on')
    .option('--site <code...>', 'only these of them', siteCodesArgument);
  withWaiting(withConsent(common(command))).action(
    (
      id: string,
      options: Waiting &
        Consenting & { acceptLicence?: true; feature?: string[]; site?: readonly SiteCode[] },
    ) =>
      act(options, (site) =>
        site.ask<ActionResult>('install', {
          id,
          by: administrator(),
          ...(options.acceptLicence && { acceptLicence: true }),
          ...(options.feature && { features: options.feature }),
          ...(options.site && { sites: [...options.site] }),
          ...consentOf(options),
        }),
      ),
  );
}

function upgradeSecondary(parent: Command): void {
  const command = parent
    .command('upgrade-secondary')
    .argument('<site>', 'its code', siteCodeArgument)
    .description('Bring a secondary site to what its parent has installed, content included');
  withWaiting(withConsent(common(command))).action((code: SiteCode, options: Waiting & Consenting) =>
    act(options, (site) =>
      site.ask<ActionResult>('upgrade-secondary', {
        site: code,
        by: administrator(),
        ...consentOf(options),
      }),
    ),
  );
}

function retry(parent: Command): void {
  const command = parent
    .command('retry <package>')
    .description('Try again where it failed or stopped at a warning; never ignores a warning by itself')
    .option('--site <code>', 'at this site only', siteCodeArgument);
  withWaiting(withConsent(common(command))).action(
    (id: string, options: Waiting & Consenting & { site?: SiteCode }) =>
      act(options, (site) =>
        site.ask<ActionResult>('retry', {
          id,
          by: administrator(),
          ...(options.site !== undefined && { site: options.site }),
          ...consentOf(options),
        }),
      ),
  );
}

function withConsent(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--ignore-warning <site:prerequisite...>',
        'go on in spite of these warnings; your name is recorded with each',
      )
        .argParser(warningsArgument)
        .conflicts('ignoreKnownWarnings'),
    )
    .option(
      '--ignore-known-warnings',
      'go on in spite of every warning that "sallyport update warnings" shows now, and of no other',
    );
}

function withWaiting(command: Command): Command {
  return command
    .option('--wait', 'follow it until it rests at every site')
    .option(
      '--timeout-minutes <minutes>',
      'stop following after this long (the sites go on)',
      positiveNumber(100_000),
    );
}

function consentOf({ ignoreWarning, ignoreKnownWarnings }: Consenting): { ignoreWarnings?: ConsentInput } {
  if (ignoreKnownWarnings) return { ignoreWarnings: { by: administrator(), warnings: 'all-known' } };
  if (ignoreWarning === undefined) return {};
  return { ignoreWarnings: { by: administrator(), warnings: [...ignoreWarning] } };
}

async function act(options: Waiting, ask: (site: SiteClient) => Promise<ActionResult>): Promise<void> {
  await runCommand(options.json === true, (signal) =>
    withSite(options.data, signal, async (site) => {
      const result = await ask(site);
      if (!options.json) printLine(renderAction(result));
      if (!options.wait || (result.kind === 'nothing-to-do' && result.guid === undefined)) {
        if (options.json) printJson(result);
        return;
      }
      const limit =
        options.timeoutMinutes === undefined ? [] : [AbortSignal.timeout(options.timeoutMinutes * 60_000)];
      const ended = await followAction(
        site,
        result,
        AbortSignal.any([signal, standardOutput.lost, ...limit]),
      );
      const status = await site.ask<StatusResult>('status', {
        id: result.orders.at(-1)?.guid ?? result.guid ?? '',
      });
      if (options.json) printJson({ ...result, ended: ended ?? 'unfinished', status });
      else printLine(`\n${renderStatus(status)}`);
      process.exitCode =
        ended === 'succeeded' ? exitCodes.done : ended === 'failed' ? exitCodes.failed : exitCodes.unfinished;
    }),
  );
}
