import process from 'node:process';
import { rotateKeys } from '@sallyport/engine/cloud/key-rotation';
import { forecast, renew, type RenewalResult, type RoleForecast } from '@sallyport/engine/cloud/renewal';
import type { KeyRole } from '@sallyport/engine/ports/key-ring';
import { formatDuration } from '@sallyport/core/shared/units';
import { formatTable } from '../output/table.ts';
import { type KeyOptions, openCloud } from './open-cloud.ts';
import { printJson, printLine, runCommand } from '../command/run.ts';

/** `cloud keys rotate`. The role was checked by the command line. */
export async function rotate(
  role: string,
  options: KeyOptions & { readonly keys?: number; readonly threshold?: number },
): Promise<void> {
  await runCommand(options.json === true, async (signal) => {
    const tools = await openCloud(options);
    const rotation = await rotateKeys(
      tools,
      role as KeyRole,
      {
        ...(options.keys === undefined ? {} : { keys: options.keys }),
        ...(options.threshold === undefined ? {} : { threshold: options.threshold }),
      },
      signal,
    );
    const made = (await tools.keys.list()).filter(({ publicKey }) => rotation.now.includes(publicKey));
    if (options.json === true) {
      printJson({ ...rotation, made });
      return;
    }
    printLine(
      `The role ${role} has new keys (${rotation.threshold} of ${rotation.now.length} sign): ${made.map(({ place }) => place).join(', ')}`,
    );
    if (made.some(({ offline }) => offline)) {
      printLine(
        'Move them to the media of their holders, and destroy the old ones: nothing trusts those any more.',
      );
    }
  });
}

/** `cloud resign`. Exit code 1 when something that is due could not be signed. */
export async function resign(
  options: KeyOptions & { readonly all?: boolean; readonly dryRun?: boolean },
): Promise<void> {
  await runCommand(options.json === true, async (signal) => {
    const tools = await openCloud(options);
    const result: RenewalResult =
      options.dryRun === true
        ? { renewed: [], missing: [] }
        : await renew(tools, { all: options.all === true }, signal);
    const roles = await forecast(tools);
    if (result.missing.length > 0) {
      process.exitCode = 1;
    }
    if (options.json === true) {
      printJson({ ...result, forecast: roles.map(forecastJson) });
      return;
    }
    if (options.dryRun !== true) {
      printLine(
        result.renewed.length === 0 ? 'Nothing was signed.' : `Signed anew: ${result.renewed.join(', ')}.`,
      );
    }
    for (const { role, reason } of result.missing) {
      process.stderr.write(`sallyport: ${role} was not signed: ${reason}\n`);
    }
    printLine();
    printLine(forecastTable(roles, tools.clock.now()));
  });
}

export function forecastTable(roles: readonly RoleForecast[], now: number): string {
  return formatTable(
    ['role', 'version', 'expires', 'left', 'sign by', 'who', 'keys at hand', 'state'],
    roles.map(({ role, version, expiresAt, dueAt, signedBy, threshold, keys, keysAtHand, state }) => [
      role,
      String(version),
      day(expiresAt),
      expiresAt <= now ? 'none' : formatDuration(expiresAt - now),
      day(dueAt),
      signedBy === 'service' ? 'cloud serve' : 'cloud resign',
      `${keysAtHand} of ${keys}, ${threshold} sign`,
      state,
    ]),
  );
}

export function forecastJson(forecastOfRole: RoleForecast): unknown {
  const { expiresAt, dueAt, ...rest } = forecastOfRole;
  return { ...rest, expiresAt: new Date(expiresAt).toISOString(), dueAt: new Date(dueAt).toISOString() };
}

function day(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}
