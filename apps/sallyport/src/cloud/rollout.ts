import { changeRollout, type RolloutChange, withdrawPackage } from '@sallyport/engine/cloud/rollout-changes';
import { productId } from '@sallyport/core/shared/ids';
import { type DataOptions, type KeyOptions, openCloud } from './open-cloud.ts';
import { printJson, printLine, runCommand } from '../command/run.ts';

export interface RolloutOptions extends DataOptions {
  readonly product?: string;
  readonly percentage?: number;
  readonly ring?: string;
  readonly hold?: string;
  readonly stop?: string;
  readonly release?: boolean;
  readonly floor?: boolean;
}

/** `cloud rollout`. */
export async function rollout(named: string, options: RolloutOptions): Promise<void> {
  await runCommand(options.json === true, async (signal) => {
    const wanted: RolloutChange = {
      ...(options.percentage === undefined ? {} : { percentage: options.percentage }),
      ...(options.ring === undefined ? {} : { ring: options.ring }),
      ...(options.hold === undefined ? {} : { hold: options.hold }),
      ...(options.stop === undefined ? {} : { stop: options.stop }),
      ...(options.release === undefined ? {} : { release: options.release }),
      ...(options.floor === undefined ? {} : { floor: options.floor }),
    };
    const result = await changeRollout(
      await openCloud(options),
      packageNamed(named, options.product),
      wanted,
      signal,
    );
    if (options.json === true) {
      printJson({ product: result.product, version: result.entry.version, rollout: result.rollout });
      return;
    }
    const { percentage, ring, held, stopped, floor } = result.rollout;
    const parts = [
      `${percentage} % of hierarchies`,
      ...(ring === undefined ? [] : [`ring ${ring} only`]),
      ...(floor === true ? ['a floor'] : []),
      ...(held === undefined ? [] : [`held: ${held.reason}`]),
      ...(stopped === undefined ? [] : [`stopped: ${stopped.reason}`]),
    ];
    printLine(`${result.product} ${result.entry.version} (${result.entry.guid}): ${parts.join(', ')}.`);
    printLine(
      result.entry.withdrawn === undefined
        ? 'Sites learn of it with their next exchange.'
        : 'It was withdrawn for good: no site installs it, whatever its roll-out says.',
    );
  });
}

/** `cloud withdraw`. */
export async function withdraw(
  named: string,
  options: KeyOptions & { readonly reason: string; readonly product?: string },
): Promise<void> {
  await runCommand(options.json === true, async (signal) => {
    const result = await withdrawPackage(
      await openCloud(options),
      packageNamed(named, options.product),
      options.reason,
      signal,
    );
    if (options.json === true) {
      printJson({ product: result.product, ...result.entry });
      return;
    }
    printLine(
      `${result.product} ${result.entry.version} (${result.entry.guid}) is withdrawn since ${result.entry.withdrawn?.at ?? 'now'}: ${result.entry.withdrawn?.reason ?? ''}`,
    );
  });
}

function packageNamed(named: string, product: string | undefined) {
  return { package: named, ...(product === undefined ? {} : { product: productId(product) }) };
}
