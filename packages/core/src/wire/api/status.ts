import { type Static, Type } from 'typebox';
import { countField, guidField, productField, siteCodeField, siteTypeField } from '../fields.ts';
import { exchangeResult } from './packages.ts';

const time = Type.Integer({ description: 'Milliseconds since 1970-01-01T00:00:00Z' });

export const phaseResult = Type.Object({
  phase: Type.Enum(['download', 'replication', 'prerequisites', 'installation', 'post']),
  state: Type.Enum(['not-started', 'running', 'waiting', 'done', 'warning', 'failed', 'not-applicable']),
  at: Type.Optional(time),
  detail: Type.Optional(Type.String()),
});

export const transferResult = Type.Object({
  doneBytes: countField(),
  totalBytes: countField(),
  receivedBytes: countField(),
  bytesPerSecond: Type.Optional(countField()),
  remainingMs: Type.Optional(countField()),
  /** Why nothing comes at present, and when it is tried again. */
  interrupted: Type.Optional(Type.String()),
});

export const siteStatusResult = Type.Object({
  site: siteCodeField,
  type: Type.Optional(siteTypeField),
  state: Type.String(),
  stateCode: Type.Integer(),
  reason: Type.String(),
  since: Type.Optional(time),
  /** When something happens or is tried next. */
  nextAt: Type.Optional(time),
  /** To which the state belongs: below that of an order which the site has not taken up. */
  attempt: countField(),
  /** The newest order has not been taken up there yet. */
  pending: Type.Optional(Type.Literal(true)),
  /** The site does not carry the newest order out; `reason` says why. */
  refused: Type.Optional(Type.Object({ code: Type.String(), order: countField(1) })),
  /** The install step that is being done. */
  step: Type.Optional(Type.String()),
  stepsDone: Type.Array(Type.String()),
  /** What travelled to this site for the package, and what it stands for. */
  receivedBytes: Type.Optional(countField()),
  totalBytes: Type.Optional(countField()),
  transfer: Type.Optional(transferResult),
  phases: Type.Array(phaseResult),
  prerequisites: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.String(),
        title: Type.String(),
        severity: Type.Enum(['error', 'warning']),
        status: Type.Enum(['failed', 'passed', 'unknown', 'warning']),
        detail: Type.String(),
        remedy: Type.String(),
      }),
    ),
  ),
});

export const packageStatusResult = Type.Object({
  guid: guidField,
  product: Type.Optional(productField),
  name: Type.String(),
  version: Type.Optional(Type.String()),
  /** What the newest order asks for; absent before the first. */
  action: Type.Optional(Type.Enum(['check-prerequisites', 'install', 'cancel'])),
  order: Type.Optional(countField()),
  state: Type.String(),
  stateCode: Type.Integer(),
  /** The site that decides the state: the worst one. */
  decidedBy: Type.Optional(siteCodeField),
  reason: Type.String(),
  sites: Type.Array(siteStatusResult),
});

export const statusResult = Type.Object({
  at: time,
  exchange: exchangeResult,
  packages: Type.Array(packageStatusResult),
});

export const historyResult = Type.Object({
  events: Type.Array(
    Type.Object({
      guid: guidField,
      name: Type.String(),
      version: Type.Optional(Type.String()),
      site: siteCodeField,
      attempt: countField(),
      sequence: countField(1),
      event: Type.String(),
      at: time,
      reason: Type.String(),
      data: Type.Record(Type.String(), Type.Unknown()),
    }),
  ),
});

export const sitesResult = Type.Object({
  hierarchyId: Type.String(),
  rosterVersion: countField(),
  sites: Type.Array(
    Type.Object({
      code: siteCodeField,
      type: siteTypeField,
      parent: Type.Optional(siteCodeField),
      revoked: Type.Optional(Type.Object({ at: Type.String(), reason: Type.String() })),
      /** Absent until the site has spoken. */
      products: Type.Optional(
        Type.Array(
          Type.Object({
            product: productField,
            version: Type.String(),
            installed: Type.Array(guidField),
            missing: Type.Array(guidField),
          }),
        ),
      ),
      /** The link to it as this site sees it; of a link between two other sites only a problem that the upper one tells. */
      link: Type.Optional(
        Type.Object({
          /** Absent when it has not called since this site server was started. */
          lastSeenAt: Type.Optional(time),
          /** Why nothing goes over it. */
          problem: Type.Optional(Type.String()),
        }),
      ),
      platform: Type.Optional(Type.Object({ os: Type.String(), arch: Type.String() })),
      components: Type.Optional(
        Type.Array(
          Type.Object({
            name: Type.String(),
            state: Type.String(),
            reason: Type.String(),
            since: time,
            nextAt: Type.Optional(time),
            lastError: Type.Optional(Type.String()),
          }),
        ),
      ),
      refusedOrders: Type.Array(
        Type.Object({ sequence: countField(), code: Type.String(), reason: Type.String(), at: time }),
      ),
    }),
  ),
});

/** `nothing-leaves`: local applicability only. `report`: `payload` is, byte by byte, what leaves next. */
export const usageResult = Type.Union([
  Type.Object({ kind: Type.Literal('nothing-leaves'), reason: Type.String() }),
  Type.Object({ kind: Type.Literal('not-ready'), reason: Type.String() }),
  Type.Object({
    kind: Type.Literal('report'),
    payload: Type.String(),
    payloadSha256: Type.String(),
    sequence: countField(1),
    fixedAt: time,
  }),
]);

/** What an action led to. */
export const actionResult = Type.Object({
  /**
   * `ordered`: sites have been told, `started`: this site does it, `done`: it is so, `nothing-to-do`: it was so already.
   */
  kind: Type.Enum(['done', 'nothing-to-do', 'ordered', 'started']),
  guid: Type.Optional(guidField),
  message: Type.String(),
  orders: Type.Array(Type.Object({ sequence: countField(1), guid: guidField, attempt: countField(1) })),
  sites: Type.Array(siteCodeField),
  /** What the administrator should know besides. */
  notes: Type.Array(Type.String()),
});

export type PhaseResult = Static<typeof phaseResult>;
export type TransferResult = Static<typeof transferResult>;
export type SiteStatusResult = Static<typeof siteStatusResult>;
export type PackageStatusResult = Static<typeof packageStatusResult>;
export type StatusResult = Static<typeof statusResult>;
export type HistoryResult = Static<typeof historyResult>;
export type SitesResult = Static<typeof sitesResult>;
export type UsageResult = Static<typeof usageResult>;
export type ActionResult = Static<typeof actionResult>;
