import type { OpenMedium } from '@sallyport/engine/components/service-connection/connection-ports';
import { FileMedium } from '@sallyport/engine/storage/files/file-medium';
import { FolderContentSource } from '@sallyport/engine/storage/files/folder-content';
import { mediumRepository } from '@sallyport/engine/transport/exchange-medium/medium-repository';

/** A medium in a folder of this machine. Nothing is read yet. */
export function openMedium(folder: string): OpenMedium {
  const medium = new FileMedium(folder);
  return { folder: medium, repository: mediumRepository(medium), content: new FolderContentSource(folder) };
}
