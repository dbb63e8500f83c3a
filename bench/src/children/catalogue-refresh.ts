import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SelectionDesk } from '@sallyport/engine/components/hierarchy-manager/selection-desk';
import { TrustedDocuments } from '@sallyport/engine/components/hierarchy-manager/trusted-documents';
import { systemClock } from '@sallyport/engine/compute/clock';
import { nodeDigests } from '@sallyport/engine/compute/digest';
import { checkSignature } from '@sallyport/engine/compute/signature-check';
import { FileBlobs } from '@sallyport/engine/storage/files/blobs';
import { FolderContentSource } from '@sallyport/engine/storage/files/folder-content';
import { FolderRepository } from '@sallyport/engine/storage/files/folder-repository';
import { FileTrustStore } from '@sallyport/engine/storage/files/trust-store';
import { openSiteDatabase } from '@sallyport/engine/storage/sqlite/site-database';
import type { SiteFacts } from '@sallyport/core/domain/exchange/exchange';
import type { Roster } from '@sallyport/core/domain/sites/site';
import { hierarchyId, siteCode } from '@sallyport/core/shared/ids';
import { recordHash } from '@sallyport/core/wire/record-hash';
import type { CatalogueFigures, CatalogueTask } from '../parts/catalogue.ts';
import { silentLog } from '../scene/silent-log.ts';
import { typescript } from '../scene/vendor.ts';
import { measure, taskOf, tell } from './child.ts';

/** A top-tier site that sees the catalogue for the first time, and then again with nothing new. */
const { repository, folder, rootBase64 } = taskOf() as CatalogueTask;
const never = new AbortController().signal;
const code = siteCode('CAS');
await mkdir(folder, { recursive: true });
const trust = new FileTrustStore(join(folder, 'trust'));
await trust.saveRoot(1, Buffer.from(rootBase64, 'base64'));
await trust.save('root', Buffer.from(rootBase64, 'base64'));
const database = openSiteDatabase(join(folder, 'site.db'), {
  site: code,
  hashRecord: (fields) => recordHash(fields, nodeDigests.of),
  onListenerFailure: (error) => {
    throw error;
  },
});
const blobs = await FileBlobs.open({ folder: join(folder, 'content') });
const documents = new TrustedDocuments({
  database,
  blobs,
  trust,
  check: checkSignature,
  digests: nodeDigests,
  clock: systemClock,
  log: silentLog,
  products: [typescript],
  source: new FolderRepository({
    metadata: join(repository, 'metadata'),
    targets: join(repository, 'targets'),
  }),
  content: new FolderContentSource(repository),
});
const id = hierarchyId('0'.repeat(64));
const roster: Roster = {
  schema: 1,
  hierarchyId: id,
  version: 1,
  sites: [{ code, type: 'central', key: '0'.repeat(64), epoch: 1 }],
};
const facts: SiteFacts = {
  schema: 1,
  site: code,
  type: 'central',
  products: [{ product: typescript, version: '0.5', installed: [] }],
  platform: { os: 'linux', arch: 'x64' },
};
database.write(({ records }) => records.putOwn('site-facts', code, facts, systemClock.now()));
const desk = new SelectionDesk({
  site: { code, type: 'central' },
  database,
  hierarchy: {
    current: () => ({ hierarchyId: id, roster }),
    verifyOrder: () => {
      throw new Error('nobody orders anything');
    },
  },
  digests: nodeDigests,
  clock: systemClock,
  log: silentLog,
  ring: 'general',
  exchange: 'none',
});
const problems: string[] = [];
const refresh = async (): Promise<void> => {
  problems.push(...(await documents.refresh(never)).map(({ message }) => message));
};
const evaluate = async (): Promise<void> => {
  desk.work(await documents.view());
};
const firstRefresh = await measure(refresh);
const firstEvaluation = await measure(evaluate);
const secondRefresh = await measure(refresh);
const secondEvaluation = await measure(evaluate);
const states = database.read(({ updates }) => updates.projections({ site: code }));
database.close();
const said: CatalogueFigures = {
  firstRefresh,
  firstEvaluation,
  secondRefresh,
  secondEvaluation,
  judged: states.length,
  problems,
};
tell(said);
