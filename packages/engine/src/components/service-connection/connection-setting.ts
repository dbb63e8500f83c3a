import type { MediumImport } from '@sallyport/core/domain/exchange/medium';
import type { EpochMs, PackageGuid } from '@sallyport/core/shared/ids';
import type { SettingReads } from '../../ports/site-database.ts';

/** The setting `service-connection`: what has gone out by request files, and come in by media. */
export interface ConnectionSetting {
  readonly schema: 1;
  /** Of the newest request, within its epoch. */
  readonly epoch: number;
  readonly sequence: number;
  readonly preparedAt?: EpochMs;
  readonly lastImport?: MediumImport;
  /** Packages that media brought content of: it stays in the library until they are installed. */
  readonly brought: readonly PackageGuid[];
}

export const connectionSettingName = 'service-connection';

export function readConnection(settings: SettingReads): ConnectionSetting {
  return (
    (settings.get(connectionSettingName) as ConnectionSetting | undefined) ?? {
      schema: 1,
      epoch: 0,
      sequence: 0,
      brought: [],
    }
  );
}
