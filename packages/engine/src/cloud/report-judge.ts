import type { SignatureCheck, TrustKey } from '@sallyport/core/domain/trust/key';
import { isTold } from '@sallyport/core/domain/usage/level';
import type { UsageReport } from '@sallyport/core/domain/usage/report';
import { problemsOfItems } from '@sallyport/core/domain/usage/row-check';
import { type DsseEnvelope, verifyEnvelope } from '@sallyport/core/wire/dsse';
import { usageReportFormat } from '@sallyport/core/wire/usage';
import type { Clock } from '../ports/clock.ts';
import type { CloudDatabase } from '../ports/cloud-database.ts';
import type { Log } from '../ports/log.ts';
import type { Quarantine } from '../ports/usage-intake.ts';
import { type Accepted, enrolled, Refusal } from './refusal.ts';
import { sha256Of } from './sha256.ts';

export interface ReportJudgeOptions {
  readonly database: Pick<CloudDatabase, 'acceptReport' | 'hierarchy'>;
  readonly check: SignatureCheck;
  readonly clock: Clock;
  readonly log: Log;
}

/** Judges usage reports: whose they are, whether all that they tell is in the registry, and whether they were counted. */
export class ReportJudge {
  readonly #options: ReportJudgeOptions;

  constructor(options: ReportJudgeOptions) {
    this.#options = options;
  }

  /**
   * Stores a report, or finds it stored.
   *
   * @throws {Refusal} NOT_ENROLLED, COPIED, QUARANTINED, OLDER, or what the registry has against it
   * @throws {TrustError} when its hierarchy's operating key did not sign it
   * @throws {WireError}
   */
  async accept(envelope: DsseEnvelope): Promise<Accepted> {
    const { database, check, clock, log } = this.#options;
    const report = usageReportFormat.parse(envelope.payload);
    const { hierarchyId, epoch, sequence } = report;
    // The report says whose key to look up; it is believed only when that key signed it.
    const { operatingKey } = await enrolled(database, hierarchyId);
    const key: TrustKey = { keyType: 'ed25519', scheme: 'ed25519', publicValue: operatingKey };
    verifyEnvelope(envelope, new Map([[operatingKey, key]]), 1, check);
    checkSites(report);
    const payload = { sha256: sha256Of(envelope.payload), sizeBytes: envelope.payload.length };
    const verdict = await database.acceptReport(report, payload, clock.now());
    switch (verdict.kind) {
      case 'accepted':
        if (verdict.gap) {
          log.info('report {sequence} of epoch {epoch} of {id} follows one that is not here', {
            id: hierarchyId,
            epoch,
            sequence,
          });
        }
        return {
          hierarchyId,
          payloadSha256: payload.sha256,
          acceptedAt: verdict.acceptedAt,
          isReport: true,
        };
      case 'repeated':
        return { hierarchyId, payloadSha256: payload.sha256, acceptedAt: verdict.acceptedAt };
      case 'copied':
        log.error('hierarchy {id} exists twice and is quarantined: {reason}', {
          id: hierarchyId,
          reason: quarantineText(verdict.quarantine),
        });
        throw new Refusal(
          verdict.quarantine.sign === 'same-number' ? 'CONFLICT' : 'COPIED',
          `${quarantineText(verdict.quarantine)}: give one of the two a new identity, then ask the vendor to release this one`,
        );
      case 'quarantined':
        throw new Refusal(
          'QUARANTINED',
          `${quarantineText(verdict.quarantine)}; nothing of this hierarchy is taken until the vendor releases it: ask the vendor`,
        );
      case 'older':
        throw new Refusal(
          'OLDER',
          `report ${sequence} of epoch ${epoch} is not above report ${verdict.floor.sequence} of epoch ${verdict.floor.epoch}, up to which the vendor has erased what this hierarchy told: drop it`,
        );
    }
  }
}

/** For people, at both ends: how it was seen that a hierarchy exists twice. */
function quarantineText({ sign, epoch, sequence, storedSha256, refusedSha256 }: Quarantine): string {
  const pair = `${storedSha256.slice(0, 12)}… was counted, ${refusedSha256.slice(0, 12)}… was not`;
  return sign === 'same-number'
    ? `two different reports came as number ${sequence} of epoch ${epoch} (${pair}), so a copy of this hierarchy reports too`
    : `two different reports of epoch ${epoch} follow the same report (${pair}), so a copy of this hierarchy reports too`;
}

/** Why nothing is offered to a quarantined hierarchy, for its administrators. */
export function withheldText(quarantine: Quarantine): string {
  return `The vendor holds everything back from this hierarchy: ${quarantineText(quarantine)}. One of the two needs a new identity; then the vendor releases the other.`;
}

/** @throws {Refusal} with the first thing that is wrong as its code, and all of them in its message */
function checkSites({ level, sites }: UsageReport): void {
  for (const site of sites) {
    const where = `site ${site.site.slice(0, 8)}…`;
    if (!isTold(site.level, level)) {
      throw new Refusal(
        'ABOVE_LEVEL',
        `${where} tells at level ${site.level}, and the report states ${level}: report at the level in force`,
      );
    }
    const problems = problemsOfItems(site.items, site.level, 'hashed');
    const [first] = problems;
    if (first !== undefined) {
      const all = problems.map(({ place, says }) => `${place}: ${says}`).join('; ');
      throw new Refusal(first.code, `${where} tells what this cloud does not take: ${all}`);
    }
  }
}
