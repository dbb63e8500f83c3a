import { changeRepository } from '@sallyport/engine/cloud/cloud-tools';
import { serviceFile } from '@sallyport/engine/cloud/contents';
import { withFiles } from '@sallyport/engine/cloud/repository/writer';
import { openCloud } from '../src/cloud/open-cloud.ts';
import type { Cloud } from './cloud.ts';

/** Takes the key to seal to out of a vendor's `service.json`, as that of one who never made any. */
export async function withoutSealKey(cloud: Cloud): Promise<void> {
  process.env['SALLYPORT_PASSPHRASE'] = 'correct horse';
  await changeRepository(
    await openCloud({ data: cloud.data }),
    'name no key to seal to',
    async ({ state, contents }) => {
      const { sealKeys: _, ...rest } = contents.service;
      const service = serviceFile(rest);
      return {
        change: { catalog: withFiles(state.catalog.signed.targets, [service]), files: [service] },
        result: undefined,
      };
    },
    new AbortController().signal,
  );
}
