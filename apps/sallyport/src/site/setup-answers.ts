import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { SiteType } from '@sallyport/core/domain/sites/site';
import { defaultUsageLevel, type UsageLevel, usageLevels } from '@sallyport/core/domain/usage/level';
import { messageOf } from '@sallyport/core/shared/errors';
import { productId, siteCode, type ProductId, type SiteCode } from '@sallyport/core/shared/ids';
import { parseVersion } from '@sallyport/core/shared/version';
import { parseJoinToken, type JoinToken } from '@sallyport/core/wire/join';
import { SetupError } from './setup-error.ts';
import { siteFolders } from './site-config.ts';

/** What the command line gives to set-up, unchecked. */
export interface SetupOptions {
  readonly data: string;
  readonly code: string;
  readonly type: string;
  readonly trustRoot: string;
  readonly listen?: string;
  readonly join?: string;
  readonly vendorUrl?: string;
  readonly localApplicability?: boolean;
  readonly offline?: boolean;
  readonly enrolmentCode?: string;
  readonly recoveryKey?: string;
  readonly media?: string;
  readonly mediaMaxAgeDays?: string;
  readonly baseline?: readonly string[];
  readonly ring?: string;
  readonly checkHours?: string;
  readonly usageLevel?: string;
}

/** A release to begin with: a product's version on the medium. */
export interface WantedBaseline {
  readonly product: ProductId;
  readonly version: string;
}

/** Checked answers, common to every site. */
interface CommonAnswers {
  readonly data: string;
  readonly code: SiteCode;
  readonly trustRoot: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly media?: {
    readonly folder: string;
    readonly maxAgeMs: number;
    readonly baselines: readonly WantedBaseline[];
  };
  readonly ring: string;
  readonly checkIntervalMs: number;
}

export interface TopTierAnswers extends CommonAnswers {
  readonly kind: 'top-tier';
  readonly type: Exclude<SiteType, 'secondary'>;
  readonly vendorUrl: string;
  readonly exchange: 'cloud' | 'none';
  /** Nothing goes to the vendor but by media. */
  readonly offline: boolean;
  readonly enrolmentCode?: string;
  readonly recoveryKeyFile: string;
  /** How much the hierarchy tells its vendor. */
  readonly usageLevel: UsageLevel;
  readonly media: NonNullable<CommonAnswers['media']>;
}

export interface ChildAnswers extends CommonAnswers {
  readonly kind: 'child';
  readonly type: Exclude<SiteType, 'central'>;
  readonly token: JoinToken;
}

export type SetupAnswers = ChildAnswers | TopTierAnswers;

const dayMs = 86_400_000;
const siteTypes: readonly string[] = ['central', 'primary', 'secondary'] satisfies readonly SiteType[];

/**
 * Checks every answer and how they go together; all problems at once.
 *
 * A site with a join token is a child; without one it is the top-tier site of a new hierarchy.
 *
 * @throws {SetupError} BAD_ANSWERS
 */
export function checkAnswers(options: SetupOptions): SetupAnswers {
  const problems: string[] = [];
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      problems.push(messageOf(error));
      return undefined;
    }
  };
  const code = attempt(() => siteCode(options.code));
  const type = siteTypes.includes(options.type) ? (options.type as SiteType) : undefined;
  if (type === undefined)
    problems.push(`--type ${options.type} is no site type: use ${siteTypes.join(', ')}`);
  if (!existsSync(options.trustRoot)) {
    problems.push(
      `--trust-root ${options.trustRoot} is not there: take the file 1.root.json that the vendor gave you`,
    );
  }
  const token = options.join === undefined ? undefined : attempt(() => parseJoinToken(options.join ?? ''));
  if (token !== undefined) {
    if (code !== undefined && token.code !== code)
      problems.push(`the join token is for site ${token.code}, not ${code}: use its own token`);
    if (type !== undefined && token.type !== type)
      problems.push(`the join token is for a ${token.type} site, not a ${type} one: use its own token`);
  }
  const common = {
    data: resolve(options.data),
    trustRoot: options.trustRoot,
    listen: attempt(() => parseAddress(options.listen ?? '127.0.0.1:0')) ?? { host: '', port: 0 },
    ring: options.ring ?? 'general',
    checkIntervalMs: Math.round(
      (attempt(() => positive('--check-hours', options.checkHours ?? '24', 24 * 31)) ?? 24) * 3_600_000,
    ),
    ...mediaOf(options, problems, attempt),
  };
  const role = options.join === undefined ? topTier(options, type, problems) : child(options, type, problems);
  if (problems.length > 0 || code === undefined || role === undefined) throw badAnswers(problems);
  if (role.kind === 'child') {
    if (token === undefined) throw badAnswers(problems);
    return { ...common, ...role, code, token };
  }
  if (common.media === undefined)
    throw badAnswers([
      '--media and --baseline are needed: the first site of a hierarchy takes its release from media',
    ]);
  return { ...common, ...role, code, media: common.media };
}

function topTier(options: SetupOptions, type: SiteType | undefined, problems: string[]) {
  if (type === 'secondary')
    problems.push(
      'a secondary site stands under a primary site: give the join token that "sallyport site token" made for it',
    );
  if (options.vendorUrl === undefined)
    problems.push('--vendor-url is needed: the address of the vendor’s cloud service or repository');
  else if (!URL.canParse(options.vendorUrl))
    problems.push(
      `--vendor-url ${options.vendorUrl} is no address: write it like https://updates.example.com/`,
    );
  if (options.recoveryKey === undefined) {
    problems.push(
      '--recovery-key is needed: the file to write the hierarchy’s recovery key to; take it offline afterwards',
    );
  } else if (existsSync(options.recoveryKey) && !existsSync(siteFolders(options.data).database)) {
    // Where a set-up was cut short, the file may be its own: that is found out when it goes on.
    problems.push(
      `--recovery-key ${options.recoveryKey} exists and is not overwritten: it may be a hierarchy’s only one; name another file`,
    );
  }
  const usageLevel = usageLevels.find((level) => level === (options.usageLevel ?? defaultUsageLevel));
  if (usageLevel === undefined)
    problems.push(`--usage-level ${options.usageLevel} is no level: use ${usageLevels.join(', ')}`);
  const local = options.localApplicability === true;
  if (local && options.enrolmentCode !== undefined)
    problems.push('--enrolment-code has no use with --local-applicability: nothing is sent to the vendor');
  if (!local && options.enrolmentCode === undefined) {
    problems.push(
      '--enrolment-code-file (or --enrolment-code) is needed: ask the vendor for a code, or set the site up with --local-applicability',
    );
  }
  if (problems.length > 0 || type === undefined || type === 'secondary' || usageLevel === undefined)
    return undefined;
  return {
    kind: 'top-tier',
    type,
    vendorUrl: options.vendorUrl ?? '',
    exchange: local ? 'none' : 'cloud',
    offline: options.offline === true,
    recoveryKeyFile: options.recoveryKey ?? '',
    usageLevel,
    ...(options.enrolmentCode === undefined ? {} : { enrolmentCode: options.enrolmentCode }),
  } as const;
}

function child(options: SetupOptions, type: SiteType | undefined, problems: string[]) {
  const useless = [
    ['--vendor-url', options.vendorUrl],
    ['--enrolment-code', options.enrolmentCode],
    ['--recovery-key', options.recoveryKey],
    ['--ring', options.ring],
    ['--usage-level', options.usageLevel],
    ['--offline', options.offline],
  ].filter(([, value]) => value !== undefined);
  for (const [name] of useless)
    problems.push(`${name} is the top-tier site’s affair: leave it out for a site that joins`);
  if (type === 'central')
    problems.push(
      'a central administration site is the top of its hierarchy: set it up without a join token',
    );
  if (problems.length > 0 || type === undefined || type === 'central') return undefined;
  return { kind: 'child', type } as const;
}

function mediaOf(
  options: SetupOptions,
  problems: string[],
  attempt: <T>(work: () => T) => T | undefined,
): Pick<CommonAnswers, 'media'> {
  const { media, baseline = [] } = options;
  if (media === undefined) {
    if (baseline.length > 0) problems.push('--baseline names a version on a medium: give --media too');
    return {};
  }
  if (!existsSync(join(media, 'metadata')))
    problems.push(`--media ${media} is no medium: it has no folder "metadata"`);
  if (baseline.length === 0)
    problems.push('--baseline is needed with --media: write PRODUCT=VERSION, once for each product');
  const baselines = baseline
    .map((text) => attempt(() => parseBaseline(text)))
    .filter((wanted) => wanted !== undefined);
  const days = attempt(() => positive('--media-max-age-days', options.mediaMaxAgeDays ?? '30', 3_650)) ?? 30;
  return { media: { folder: media, maxAgeMs: Math.round(days * dayMs), baselines } };
}

function parseBaseline(text: string): WantedBaseline {
  const [product = '', version = '', ...rest] = text.split('=');
  if (version === '' || rest.length > 0)
    throw new RangeError(`--baseline ${text} cannot be read: write PRODUCT=VERSION`);
  parseVersion(version);
  return { product: productId(product), version };
}

function positive(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!(value > 0 && value <= max))
    throw new RangeError(`${name} ${text} must be a number above 0 and at most ${max}`);
  return value;
}

/** `host:port`; port 0 is whichever is free at the first start, and kept from then on. @throws {RangeError} */
function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^\s:]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > 65_535)
    throw new RangeError(`${text} is no address: write HOST:PORT, the port at most 65535`);
  return { host: match[1].replaceAll(/[[\]]/g, ''), port };
}

function badAnswers(problems: readonly string[]): SetupError {
  return new SetupError(
    'BAD_ANSWERS',
    `the site cannot be set up like this:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
  );
}
