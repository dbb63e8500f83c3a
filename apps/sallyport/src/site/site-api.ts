import { serviceWindowProblems, windowAt } from '@sallyport/core/domain/updates/service-window';
import { SallyportError } from '@sallyport/core/shared/errors';
import {
  type MediaApiInput,
  type MediaApiName,
  mediaInputs,
  siteInputs,
  type SiteApiInput,
  type SiteApiName,
  type UsageApiInput,
  type UsageApiName,
  usageInputs,
  type WindowsResult,
} from '@sallyport/core/wire/api';
import {
  onlineSite,
  type ServiceConnection,
} from '@sallyport/engine/components/service-connection/service-connection';
import { apiOperations } from '@sallyport/engine/components/operations/api';
import { readWindows, windowsSetting } from '@sallyport/engine/components/update-installer/service-windows';
import { siteOperations, usageOperations } from '@sallyport/engine/site/site-operations';
import type { SiteParts } from '@sallyport/engine/site/site-parts';
import type { SiteAssembly } from '@sallyport/engine/site/site-ports';
import type { ApiOperation, LocalApi } from '@sallyport/engine/transport/console-api/server';

type SiteApiErrorCode = 'BAD_WINDOW' | 'NO_ADDRESS' | 'NOT_TOP_TIER';

/** Something that was asked of this site cannot be done here. */
class SiteApiError extends SallyportError<SiteApiErrorCode> {}

/** Everything that can be asked of a site server: packages, and the site itself. */
export function siteApi(
  assembly: SiteAssembly,
  parts: SiteParts,
  link: { readonly host: string; readonly port: number } | undefined,
): LocalApi {
  const { database, clock } = assembly.ports;
  const { site } = parts;
  const operations = siteOperations(assembly, parts);
  const windows = (): WindowsResult => {
    const current = database.read(({ settings }) => readWindows(settings));
    const state = windowAt(current, clock.now());
    const changesAt = state.open ? state.closesAt : state.nextAt;
    return {
      windows: current.map((each) => ({ ...each, days: [...each.days] })),
      open: state.open,
      ...(changesAt === undefined ? {} : { changesAt }),
    };
  };
  const own: Readonly<Record<SiteApiName, ApiOperation>> = {
    'join-token': entry('join-token', (input) => {
      const { desk } = requireTopTier(parts);
      const parent = input.parent ?? site.code;
      const address =
        input.address ??
        (parent === site.code && link !== undefined
          ? `${link.host.includes(':') ? `[${link.host}]` : link.host}:${link.port}`
          : undefined);
      if (address === undefined) {
        throw new SiteApiError(
          'NO_ADDRESS',
          `the new site ${input.code} is told in its token where it reaches its parent ${parent}, and that address is not known here: name it as ${input.code} will dial it, --address host:port, for instance --address ${parent.toLowerCase()}.example.com:10123 (the server of ${parent} prints where it listens when it starts: "child sites dial …")`,
        );
      }
      return {
        token: desk.issue({
          code: input.code,
          type: input.type,
          parent,
          address,
          expiresAt: clock.now() + input.expiresAfterMs,
        }),
      };
    }),
    'revoke-site': entry('revoke-site', ({ code, reason }) => {
      requireTopTier(parts).authority.revokeSite(code, reason);
      return { code };
    }),
    windows: entry('windows', windows),
    'set-windows': entry('set-windows', (input) => {
      const problems = input.windows.flatMap((window, index) =>
        serviceWindowProblems(window).map((problem) => `window ${index + 1}: ${problem}`),
      );
      if (problems.length > 0)
        throw new SiteApiError('BAD_WINDOW', `the service windows were not changed: ${problems.join('; ')}`);
      database.write(({ settings }) => settings.put(windowsSetting, input.windows));
      return windows();
    }),
  };
  return {
    operations: parts.requests.counted<ApiOperation>({
      ...apiOperations(operations),
      ...usageApi(assembly, parts),
      ...own,
      ...mediaOperations(parts),
    }),
    watch: (signal) => operations.watch(signal),
  };
}

function usageApi(assembly: SiteAssembly, parts: SiteParts): Readonly<Record<UsageApiName, ApiOperation>> {
  const usage = usageOperations(assembly, parts);
  return {
    'usage-level': usageEntry('usage-level', (input) => usage.level(input)),
    'usage-collect': usageEntry('usage-collect', (input) => usage.collect(input)),
    'usage-reports': usageEntry('usage-reports', () => usage.reports()),
    'usage-history': usageEntry('usage-history', (input) => usage.history(input)),
    audit: usageEntry('audit', (input) => usage.audit(input)),
  };
}

function usageEntry<N extends UsageApiName>(
  name: N,
  handle: (input: UsageApiInput<N>) => unknown,
): ApiOperation {
  return { input: usageInputs[name], handle: async (input) => handle(input) };
}

function entry<N extends SiteApiName>(name: N, handle: (input: SiteApiInput<N>) => unknown): ApiOperation {
  return { input: siteInputs[name], handle: async (input) => handle(input) };
}

/** What the service connection tool asks. */
function mediaOperations(parts: SiteParts): Readonly<Record<MediaApiName, ApiOperation>> {
  return {
    'tool-prepare': mediaEntry('tool-prepare', (input) => requireOffline(parts).prepare(input)),
    'tool-import': mediaEntry('tool-import', (input) => requireOffline(parts).import(input)),
    'tool-due': mediaEntry('tool-due', () => requireOffline(parts).due()),
    'media-age': mediaEntry('media-age', () => requireOffline(parts).mediaAge()),
    'set-media-age': mediaEntry('set-media-age', (input) => requireOffline(parts).setMediaAge(input)),
  };
}

function mediaEntry<N extends MediaApiName>(
  name: N,
  handle: (input: MediaApiInput<N>) => unknown,
): ApiOperation {
  return { input: mediaInputs[name], handle: async (input) => handle(input) };
}

/** @throws {SiteApiError} NOT_TOP_TIER; {MediumError} ONLINE */
function requireOffline(parts: SiteParts): ServiceConnection {
  requireTopTier(parts);
  if (parts.connection === undefined) throw onlineSite();
  return parts.connection;
}

function requireTopTier({ topTier, view }: SiteParts): NonNullable<SiteParts['topTier']> {
  if (topTier !== undefined) return topTier;
  const top = view.current().roster.sites.find(({ parent }) => parent === undefined)?.code ?? 'unknown';
  throw new SiteApiError('NOT_TOP_TIER', `the hierarchy is run from its top-tier site ${top}: ask there`);
}
