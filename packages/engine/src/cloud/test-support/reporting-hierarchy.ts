import type { UsageRow } from '@sallyport/core/domain/usage/item';
import type { ReportedSite, UsageReport } from '@sallyport/core/domain/usage/report';
import { digest, type Digest } from '@sallyport/core/shared/ids';
import { printSealed, sealedInfo } from '@sallyport/core/wire/sealed';
import { payloadTypes } from '@sallyport/core/wire/signed-document';
import { usageReportFormat } from '@sallyport/core/wire/usage';
import { HpkeSealing } from '../../compute/hpke-sealing.ts';
import { TestHierarchy } from '../../transport/exchange-https/test-support/cloud-server.ts';
import { sha256Of } from '../sha256.ts';

const sealing = new HpkeSealing();

/** A hierarchy that is made up and reports usage data, one report after the other in a chain. */
export class ReportingHierarchy extends TestHierarchy {
  epoch = 1;
  #sequence = 0;
  #previous: Digest | undefined;

  /** The next report of the chain. `sequence` and `previous` may be changed like all the rest. */
  next(changes: Partial<UsageReport> = {}): UsageReport {
    this.#sequence += 1;
    const report: UsageReport = {
      schema: 1,
      hierarchyId: this.id,
      epoch: this.epoch,
      sequence: this.#sequence,
      ...(this.#previous === undefined ? {} : { previous: this.#previous }),
      level: 'enhanced',
      fixedAt: '2026-11-24T00:00:00Z',
      sites: [reportedSite('A')],
      ...changes,
    };
    this.#previous = digestOfReport(report);
    return report;
  }

  /** As after a restore from a backup: a higher epoch, which goes on from what the backup knew. */
  restore(previous: Digest | undefined): void {
    this.epoch += 1;
    this.#sequence = 0;
    this.#previous = previous;
  }

  /** The report in an envelope that the operating key signed. */
  signed(report: UsageReport): Uint8Array {
    return this.sign(payloadTypes.usageReport, usageReportFormat.print(report));
  }
}

/** A site in a report; `name` stands for its keyed hash. */
export function reportedSite(
  name: string,
  items: Readonly<Record<string, readonly UsageRow[]>> = {
    'setup.products': [{ product: 'hello', version: '1.0', packages: 1 }],
  },
  changes: Partial<ReportedSite> = {},
): ReportedSite {
  return {
    site: name.padEnd(43, '_'),
    type: 'central',
    level: 'enhanced',
    collectedAt: '2026-11-23T00:00:00Z',
    items,
    ...changes,
  };
}

export function digestOfReport(report: UsageReport): Digest {
  return digest(sha256Of(usageReportFormat.print(report)));
}

/** An envelope sealed to a cloud's key. */
export async function sealedTo(key: string, envelope: Uint8Array): Promise<Uint8Array> {
  const sealed = await sealing.seal(key, sealedInfo, envelope);
  return printSealed(key, sealed.key, sealed.ciphertext);
}
