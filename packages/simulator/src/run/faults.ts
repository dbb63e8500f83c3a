import type { SiteCode } from '@sallyport/core/shared/ids';
import { days, hours, minutes, seconds } from '@sallyport/core/shared/units';
import type { CrashKind } from '@sallyport/engine/storage/memory/disk';
import type { CrashPhase } from '../site/crash-points.ts';
import { vendorHost } from '../site/vendor-line.ts';
import type { Chance } from '../world/chance.ts';
import type { LineTrouble } from '../world/network.ts';
import type { PlannedSite } from './plan.ts';

/** Something that goes wrong. Times count from the beginning of the run. */
export type Fault =
  | {
      readonly kind: 'crash';
      readonly site: SiteCode;
      /** Any port when it is absent; `port`, `port.method`, or `processes.hook` and the like. */
      readonly port?: string;
      /** It waits from then on, and lets so many calls go by. */
      readonly at: number;
      readonly left: number;
      readonly phase: CrashPhase;
      readonly cut: CrashKind;
      readonly downMs: number;
    }
  | {
      readonly kind: 'line';
      readonly one: string;
      readonly other: string;
      readonly at: number;
      readonly forMs: number;
      readonly trouble: Partial<LineTrouble>;
    }
  | { readonly kind: 'full-disk'; readonly site: SiteCode; readonly at: number; readonly forMs: number }
  | { readonly kind: 'clock'; readonly site: SiteCode; readonly at: number; readonly offsetMs: number }
  | { readonly kind: 'drawer'; readonly site: SiteCode; readonly at: number; readonly forMs: number }
  | { readonly kind: 'vendor-down'; readonly at: number; readonly forMs: number }
  | {
      /** The vendor's process ends around a call of one of its ports. */
      readonly kind: 'vendor-crash';
      readonly at: number;
      readonly left: number;
      readonly phase: CrashPhase;
    }
  | { readonly kind: 'bit-rot'; readonly site: SiteCode; readonly at: number; readonly which: number }
  | {
      /** The whole disk is put back as it was `ageMs` before: as restored, or as if nothing had happened. */
      readonly kind: 'old-disk';
      readonly site: SiteCode;
      readonly at: number;
      readonly ageMs: number;
      readonly isTold: boolean;
    }
  | {
      /** A copy of the machine is switched on beside it, on a copy of its disk. */
      readonly kind: 'twin';
      readonly site: SiteCode;
      readonly at: number;
    }
  | { readonly kind: 'stop'; readonly site: SiteCode; readonly at: number; readonly forMs: number };

/** Ports at which a crash tells most, and how many calls of them a run has, roughly. */
const ports: readonly (readonly [string | undefined, number])[] = [
  [undefined, 20_000],
  ['database.write', 800],
  ['database.read', 4_000],
  ['blobs', 600],
  ['blobs.writer', 200],
  ['releases', 60],
  ['releases.stage', 3],
  ['releases.switchTo', 3],
  ['releases.remove', 3],
  ['processes', 20],
  ['scratch', 10],
  ['backups', 3],
  ['compute', 30],
  ['trust', 400],
  ['trust.save', 40],
  ['link.push', 100],
  ['link.pull', 100],
  ['link', 200],
  ['link-content', 40],
  ['vendor-exchange', 8],
  ['vendor-repository', 100],
];

/** What may befall any site at any time: none or many. */
export function usualFaults(
  chance: Chance,
  sites: readonly PlannedSite[],
  troubledMs: number,
): readonly Fault[] {
  const count = chance.anyMagnitude(1, 24) - 1;
  return Array.from({ length: count }, () => faultOf(chance, sites, chance.between(0, troubledMs)));
}

/** Draws what goes wrong in a run. */
export function faultsFor(
  chance: Chance,
  sites: readonly PlannedSite[],
  troubledMs: number,
): readonly Fault[] {
  return [
    ...usualFaults(chance, sites, troubledMs),
    ...forksFor(chance.stream('forks'), sites, troubledMs),
    ...vendorCrashesFor(chance.stream('vendor crashes'), troubledMs),
    ...hookCrashesFor(chance.stream('hook crashes'), sites, troubledMs),
  ];
}

/** Between the work of a hook and the note that it is done: what its probe is there for, and chance alone hardly meets. */
function hookCrashesFor(chance: Chance, sites: readonly PlannedSite[], troubledMs: number): readonly Fault[] {
  if (!chance.happens(0.25)) return [];
  return Array.from({ length: chance.between(1, 2) }, () => ({
    kind: 'crash',
    site: chance.pick(sites).code,
    port: 'processes.hook',
    at: chance.between(0, troubledMs),
    left: 0,
    phase: 'after',
    cut: chance.pick(['kill', 'power']),
    downMs: chance.anyMagnitude(seconds(2), hours(1)),
  }));
}

/** Not before the first site is set up: nobody repeats what a set-up asks of the vendor's people. */
function vendorCrashesFor(chance: Chance, troubledMs: number): readonly Fault[] {
  if (!chance.happens(0.3)) return [];
  return Array.from({ length: chance.between(1, 4) }, () => ({
    kind: 'vendor-crash',
    at: chance.between(hours(2), troubledMs),
    left: chance.anyMagnitude(1, 300) - 1,
    phase: chance.pick(['after', 'before']),
  }));
}

/** Disks that are put back, and machines that run twice, without anybody having been told. */
function forksFor(chance: Chance, sites: readonly PlannedSite[], troubledMs: number): readonly Fault[] {
  if (!chance.happens(0.2)) return [];
  const { code: site, parent, joinsAfterMs } = chance.pick(sites);
  const at = chance.between(0, troubledMs);
  if (parent !== undefined && at > joinsAfterMs + hours(1) && chance.happens(0.5)) {
    return [{ kind: 'twin', site, at }];
  }
  const ageMs = chance.anyMagnitude(minutes(5), hours(10));
  return mayForget(site, sites, at) ? [{ kind: 'old-disk', site, at, ageMs, isTold: false }] : [];
}

function faultOf(chance: Chance, sites: readonly PlannedSite[], at: number): Fault {
  const { code: site, parent } = chance.pick(sites);
  const what = chance.fraction();
  if (what < 0.5) {
    const [port, calls] = chance.pick(ports);
    return {
      kind: 'crash',
      site,
      ...(port === undefined ? {} : { port }),
      at,
      left: chance.anyMagnitude(1, calls) - 1,
      phase: chance.pick(['after', 'before']),
      cut: chance.pick(['kill', 'power']),
      downMs: chance.anyMagnitude(seconds(2), hours(6)),
    };
  }
  const forMs = chance.anyMagnitude(seconds(20), days(2));
  if (what < 0.72) {
    const trouble = chance.happens(0.4)
      ? { isCut: true }
      : {
          lostShare: chance.pick([0, 0.1, 0.4]),
          twiceShare: chance.pick([0, 0.3]),
          delayMaxMs: chance.anyMagnitude(50, minutes(2)),
        };
    return { kind: 'line', one: site, other: parent ?? vendorHost, at, forMs, trouble };
  }
  if (what < 0.8) return { kind: 'full-disk', site, at, forMs: Math.min(forMs, hours(12)) };
  if (what < 0.87) {
    const size = chance.anyMagnitude(minutes(1), days(3));
    return { kind: 'clock', site, at, offsetMs: chance.happens(0.5) ? size : -size };
  }
  if (what < 0.9) return { kind: 'drawer', site, at, forMs: chance.between(days(1), days(60)) };
  if (what < 0.92) return { kind: 'vendor-down', at, forMs };
  if (what < 0.95 && mayForget(site, sites, at)) {
    return {
      kind: 'old-disk',
      site,
      at,
      ageMs: chance.anyMagnitude(minutes(5), hours(10)),
      isTold: chance.happens(0.5),
    };
  }
  if (what < 0.97) return { kind: 'bit-rot', site, at, which: chance.fraction() };
  return { kind: 'stop', site, at, forMs };
}

/** An old top-tier site has forgotten whoever joined since; people have to have them join again, and nobody does that here. */
function mayForget(site: SiteCode, sites: readonly PlannedSite[], at: number): boolean {
  const planned = sites.find(({ code }) => code === site);
  if (planned === undefined || at - planned.joinsAfterMs < hours(16)) return false;
  return planned.parent !== undefined || sites.every(({ joinsAfterMs }) => joinsAfterMs === 0);
}
