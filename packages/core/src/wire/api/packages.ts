import { type Static, Type } from 'typebox';
import { countField, digestField, guidField, productField } from '../fields.ts';

const time = Type.Integer({ description: 'Milliseconds since 1970-01-01T00:00:00Z' });

const channelResult = Type.Object({
  result: Type.Enum(['failed', 'never', 'ok', 'skipped']),
  at: Type.Optional(time),
  /** When it last went well. */
  okAt: Type.Optional(time),
  code: Type.Optional(Type.String()),
  error: Type.Optional(Type.String()),
});

/** How the channels of the last exchange fared, each by itself. */
export const exchangeResult = Type.Object({
  /** `none`: local applicability only, nothing leaves the hierarchy. `parent`: the top-tier site exchanges for all. */
  mode: Type.Enum(['none', 'parent', 'vendor']),
  /** The vendor is reached by media only; `importedAt`: when the last one was taken in. */
  offline: Type.Optional(
    Type.Object({
      preparedAt: Type.Optional(time),
      importedAt: Type.Optional(Type.String()),
      writtenAt: Type.Optional(Type.String()),
    }),
  ),
  metadata: channelResult,
  facts: channelResult,
  offer: channelResult,
  usage: channelResult,
  startedAt: Type.Optional(time),
  finishedAt: Type.Optional(time),
  nextAt: Type.Optional(time),
});

const verdictField = Type.Enum(['available', 'installed', 'not-available', 'superseded']);

export const packageResult = Type.Object({
  guid: guidField,
  product: productField,
  name: Type.String(),
  kind: Type.Enum(['baseline', 'hotfix', 'out-of-band', 'version-update']),
  version: Type.String(),
  releasedAt: Type.Optional(Type.String()),
  /** What selection says; absent before the first selection. */
  verdict: Type.Optional(verdictField),
  /** Of the hierarchy as a whole: the worst site's. */
  state: Type.String(),
  /** The reference's number for the state. */
  stateCode: Type.Integer(),
  since: Type.Optional(time),
  reason: Type.String(),
  nextAt: Type.Optional(time),
  hasLicence: Type.Boolean(),
  totalBytes: Type.Optional(countField()),
  withdrawn: Type.Optional(Type.Object({ at: Type.String(), reason: Type.String() })),
});

export const listResult = Type.Object({
  exchange: exchangeResult,
  /** Why nothing new is available at all, where that is so. */
  problem: Type.Optional(Type.Object({ code: Type.String(), message: Type.String() })),
  packages: Type.Array(packageResult),
});

export const checkResult = Type.Object({ exchange: exchangeResult, available: Type.Array(packageResult) });

export const showResult = Type.Object({
  ...packageResult.properties,
  description: Type.Optional(Type.String()),
  appliesTo: Type.Optional(
    Type.Object({ lowest: Type.Optional(Type.String()), highest: Type.Optional(Type.String()) }),
  ),
  supersedes: Type.Optional(Type.Array(guidField)),
  requires: Type.Optional(Type.Array(guidField)),
  ring: Type.Optional(Type.String()),
  impact: Type.Optional(Type.Array(Type.String())),
  supportEndsAt: Type.Optional(Type.String()),
  moreInfo: Type.Optional(Type.String()),
  fileCount: Type.Optional(countField()),
  licence: Type.Optional(Type.Object({ name: Type.String(), text: Type.String(), textSha256: digestField })),
  prerequisites: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.String(),
        title: Type.String(),
        severity: Type.Enum(['error', 'warning']),
        remedy: Type.String(),
      }),
    ),
  ),
  features: Type.Optional(
    Type.Array(
      Type.Object({ id: Type.String(), name: Type.String(), kind: Type.Enum(['optional', 'pre-release']) }),
    ),
  ),
});

const whyReason = Type.Object({
  code: Type.String(),
  /** Which of the four parts of the selection said no. */
  source: Type.Enum(['applicability', 'catalogue', 'offer', 'roll-out']),
  sentence: Type.String(),
  rule: Type.Optional(Type.String()),
  fact: Type.Optional(Type.String()),
  value: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  change: Type.String(),
});

export const whyResult = Type.Object({
  package: packageResult,
  verdict: verdictField,
  /** Everything that stands against it. */
  reasons: Type.Array(whyReason),
  /** When these results first held. */
  since: time,
  exchange: exchangeResult,
});

export const warningsResult = Type.Object({
  warnings: Type.Array(
    Type.Object({
      site: Type.String(),
      prerequisite: Type.String(),
      title: Type.String(),
      detail: Type.String(),
      remedy: Type.String(),
      at: time,
    }),
  ),
});

export type ExchangeResult = Static<typeof exchangeResult>;
export type PackageResult = Static<typeof packageResult>;
export type ListResult = Static<typeof listResult>;
export type CheckResult = Static<typeof checkResult>;
export type ShowResult = Static<typeof showResult>;
export type WhyResult = Static<typeof whyResult>;
export type WarningsResult = Static<typeof warningsResult>;
export type KnownWarning = WarningsResult['warnings'][number];
