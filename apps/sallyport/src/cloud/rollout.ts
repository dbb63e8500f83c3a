import {
  changeRollout,
  packageNamed,
  type RolloutChange,
  withdrawPackage,
} from '@sallyport/engine/cloud/rollout-changes';
import { systemClock } from '@sallyport/engine/compute/clock';
import { CloudError } from '@sallyport/engine/ports/cloud-error';
import type { Rule } from '@sallyport/core/domain/updates/rule';
import { type PackageGuid, productId } from '@sallyport/core/shared/ids';
import { administrator } from '../command/administrator.ts';
import { type DataOptions, type KeyOptions, openCloud, openDatabase } from './open-cloud.ts';
import { printJson, printLine, runCommand } from '../command/run.ts';

export interface RolloutOptions extends DataOptions {
  readonly product?: string;
  readonly percentage?: number;
  readonly ring?: string;
  readonly hold?: string;
  readonly stop?: string;
  readonly where?: readonly Rule[];
  readonly release?: boolean;
  readonly floor?: boolean;
  /** Per cent; false takes the limit away. */
  readonly stopAbove?: number | false;
  readonly ofAtLeast?: number;
}

/** `cloud rollout`. */
export async function rollout(named: string, options: RolloutOptions): Promise<void> {
  await runCommand(options.json === true, async (signal) => {
    const wanted: RolloutChange = {
      ...(options.percentage === undefined ? {} : { percentage: options.percentage }),
      ...(options.ring === undefined ? {} : { ring: options.ring }),
      ...(options.hold === undefined ? {} : { hold: options.hold }),
      ...(options.where === undefined ? {} : { holdWhere: ruleOf(options.where) }),
      ...(options.stop === undefined ? {} : { stop: options.stop }),
      ...(options.release === undefined ? {} : { release: options.release }),
      ...(options.floor === undefined ? {} : { floor: options.floor }),
    };
    const limit = limitOf(options);
    const tools = await openCloud(options);
    const which = whichPackage(named, options.product);
    if (limit !== undefined) await setLimit(options, (await packageNamed(tools, which)).entry.guid, limit);
    if (limit !== undefined && Object.keys(wanted).length === 0) {
      if (options.json === true) printJson({ package: named, limit });
      else printLine(limitText(named, limit));
      return;
    }
    const result = await changeRollout(tools, which, wanted, signal);
    if (options.json === true) {
      printJson({
        product: result.product,
        version: result.entry.version,
        rollout: result.rollout,
        ...(limit && { limit }),
      });
      return;
    }
    const { percentage, ring, held, heldWhere = [], stopped, floor } = result.rollout;
    const parts = [
      `${percentage} % of hierarchies`,
      ...(ring === undefined ? [] : [`ring ${ring} only`]),
      ...(floor === true ? ['a floor'] : []),
      ...(held === undefined ? [] : [`held: ${held.reason}`]),
      ...heldWhere.map(({ reason }) => `held on some configurations: ${reason}`),
      ...(stopped === undefined ? [] : [`stopped: ${stopped.reason}`]),
    ];
    printLine(`${result.product} ${result.entry.version} (${result.entry.guid}): ${parts.join(', ')}.`);
    if (limit !== undefined) printLine(limitText(named, limit));
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
      whichPackage(named, options.product),
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

/** A limit to set, `none` to take one away, or undefined. */
type WantedLimit = 'none' | { readonly percent: number; readonly ofAtLeast: number };

function limitOf({ stopAbove, ofAtLeast }: RolloutOptions): WantedLimit | undefined {
  if (stopAbove === false) return 'none';
  if ((stopAbove === undefined) !== (ofAtLeast === undefined)) {
    throw new CloudError(
      'BAD_REQUEST',
      'a limit of failed installs needs both a share and a number to count from: give --stop-above and --of-at-least',
    );
  }
  return stopAbove === undefined || ofAtLeast === undefined ? undefined : { percent: stopAbove, ofAtLeast };
}

async function setLimit(options: DataOptions, guid: PackageGuid, limit: WantedLimit): Promise<void> {
  const database = await openDatabase(options);
  const by = { at: systemClock.now(), who: administrator() };
  try {
    if (limit === 'none') await database.usage.removeStopLimit(guid, by);
    else await database.usage.setStopLimit({ guid, ...limit }, by);
  } finally {
    await database.close();
  }
}

function limitText(named: string, limit: WantedLimit): string {
  return limit === 'none'
    ? `${named} is not stopped by itself.`
    : `${named} is stopped by itself when installs fail at more than ${limit.percent} % of at least ${limit.ofAtLeast} hierarchies that tried; only "--release" lifts the stop.`;
}

function ruleOf(conditions: readonly Rule[]): Rule {
  const [only, second] = conditions;
  return only !== undefined && second === undefined ? only : { all: conditions };
}

function whichPackage(named: string, product: string | undefined) {
  return { package: named, ...(product === undefined ? {} : { product: productId(product) }) };
}
