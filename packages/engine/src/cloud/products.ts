import type { ProductId } from '@sallyport/core/shared/ids';
import { CloudError } from '../ports/cloud-error.ts';
import { emptyCatalogue, emptyRollout } from './ceremony.ts';
import { changeRepository, type CloudTools } from './cloud-tools.ts';
import { catalogueFile, rolloutFile, serviceFile } from './contents.ts';
import { withFiles } from './repository/writer.ts';

/** Adds a product with nothing published. Needs the catalogue keys. @throws {CloudError} ALREADY_THERE, KEYS_MISSING */
export async function addProduct(
  tools: CloudTools,
  product: { readonly id: ProductId; readonly name: string },
  options: { readonly requiresUsageData: boolean },
  signal: AbortSignal,
): Promise<void> {
  await changeRepository(
    tools,
    'add a product',
    async ({ state, contents }) => {
      if (contents.catalogues.has(product.id)) {
        throw new CloudError(
          'ALREADY_THERE',
          `the product ${product.id} is there already: publish packages for it`,
          { product: product.id },
        );
      }
      const service = serviceFile({
        ...contents.service,
        products: [...contents.service.products, product.id].toSorted(),
      });
      const catalogue = catalogueFile(emptyCatalogue(product, options));
      const rollout = rolloutFile(emptyRollout(product.id));
      return {
        change: {
          catalog: withFiles(state.catalog.signed.targets, [service, catalogue]),
          rollout: withFiles(state.rollout.signed.targets, [rollout]),
          files: [service, catalogue, rollout],
        },
        result: undefined,
      };
    },
    signal,
  );
}
