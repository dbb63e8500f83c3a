import type { RecordKind } from '@sallyport/core/domain/sites/site';
import type { SiteCode } from '@sallyport/core/shared/ids';
import type { Change } from '../../ports/site-database.ts';

/** What the tables of a connection have changed since the last look. */
export class ChangeNotes {
  #updates = new Set<SiteCode>();
  #records = new Set<RecordKind>();
  #settings = new Set<string>();

  update(site: SiteCode): void {
    this.#updates.add(site);
  }

  record(kind: RecordKind): void {
    this.#records.add(kind);
  }

  setting(name: string): void {
    this.#settings.add(name);
  }

  /** Answers what was noted, and forgets it; undefined when it is nothing. */
  take(): Change | undefined {
    const change: Change = { updates: this.#updates, records: this.#records, settings: this.#settings };
    if (change.updates.size + change.records.size + change.settings.size === 0) return undefined;
    this.#updates = new Set();
    this.#records = new Set();
    this.#settings = new Set();
    return change;
  }
}
