import { join } from 'node:path';
import { type CeremonyOptions, holdCeremony } from '@sallyport/engine/cloud/ceremony';
import type { CloudTools } from '@sallyport/engine/cloud/cloud-tools';
import { addProduct as addProductTo } from '@sallyport/engine/cloud/products';
import { metadataName } from '@sallyport/core/domain/trust/metadata-name';
import { type ProductId, productId } from '@sallyport/core/shared/ids';
import {
  foldersOf,
  type KeyOptions,
  openCloud,
  openDatabase,
  openNewCloud,
  takeNewCloud,
} from './open-cloud.ts';
import { printJson, printLine, runCommand } from '../command/run.ts';

export interface InitOptions extends KeyOptions {
  readonly vendor: string;
  readonly product: readonly string[];
  readonly usageData: boolean;
  readonly rootKeys: number;
  readonly rootThreshold: number;
  readonly targetsKeys: number;
  readonly targetsThreshold: number;
  readonly catalogueKeys: number;
  readonly catalogueThreshold: number;
}

/** `cloud init`: the key ceremony. */
export async function init(options: InitOptions): Promise<void> {
  await runCommand(options.json === true, async (signal) => {
    const folders = foldersOf(options.data);
    const products = options.product.map(productOf);
    const lock = takeNewCloud(options);
    const { tools, offlineFolder } = await makeCloud(options, products, signal).finally(() => lock.release());
    const trustRoot = join(folders.repository, 'metadata', metadataName('root', 1));
    const keys = await tools.keys.list();
    if (options.json === true) {
      printJson({ vendor: options.vendor, products, trustRoot, repository: folders.repository, keys });
      return;
    }
    printLine(`The repository of ${options.vendor} is made: ${folders.repository}`);
    printLine(`Trust root for your customers: ${trustRoot}`);
    printLine(
      `Offline keys (${options.rootThreshold} of ${options.rootKeys} root, ${options.targetsThreshold} of ${options.targetsKeys} targets, ${options.catalogueThreshold} of ${options.catalogueKeys} catalogue): ${offlineFolder}`,
    );
    printLine();
    printLine('Next:');
    printLine(
      '  1. Copy the offline keys to separate media, one for each holder, and delete them here; name the media with --offline-keys when keys are needed.',
    );
    printLine('  2. sallyport cloud publish <package.yaml>     publish a first package');
    printLine('  3. sallyport cloud enrolment-code             a code for each customer');
    printLine('  4. sallyport cloud serve                      serve the repository and the exchange');
  });
}

/** Holds the ceremony in a folder that is taken already. */
async function makeCloud(
  options: InitOptions,
  products: CeremonyOptions['products'],
  signal: AbortSignal,
): Promise<{ readonly tools: CloudTools; readonly offlineFolder: string }> {
  const { tools, offlineFolder, dataFolder } = await openNewCloud(options);
  await holdCeremony(
    tools,
    {
      vendor: options.vendor,
      products,
      requiresUsageData: options.usageData,
      offline: {
        root: { keys: options.rootKeys, threshold: options.rootThreshold },
        targets: { keys: options.targetsKeys, threshold: options.targetsThreshold },
        catalog: { keys: options.catalogueKeys, threshold: options.catalogueThreshold },
      },
      dataFolder,
    },
    signal,
  );
  await (await openDatabase(options)).close();
  return { tools, offlineFolder };
}

/** `cloud product add`. */
export async function addProduct(
  named: string,
  options: KeyOptions & { readonly usageData: boolean },
): Promise<void> {
  await runCommand(options.json === true, async (signal) => {
    const product = productOf(named);
    await addProductTo(await openCloud(options), product, { requiresUsageData: options.usageData }, signal);
    if (options.json === true) {
      printJson({ product });
      return;
    }
    printLine(`The product ${product.name} (${product.id}) is added, with nothing published for it yet.`);
  });
}

/** `id` or `id:Name`. @throws {IdError} INVALID_PRODUCT */
function productOf(text: string): { readonly id: ProductId; readonly name: string } {
  const at = text.indexOf(':');
  const id = productId(at === -1 ? text : text.slice(0, at));
  const name = at === -1 ? '' : text.slice(at + 1).trim();
  return { id, name: name === '' ? id : name };
}
