import type { Command } from '@sallyport/core/domain/updates/package';
import type { ReadDefinition } from './definition.ts';
import { nearest, suggestion } from './nearest.ts';
import type { YamlPath } from './yaml-source.ts';

/** What stands in for a path in commands (`Command`). */
const placeholders = ['{node}', '{release}', '{previousRelease}', '{data}'];

/**
 * Checks the commands of a definition against the files that the release will have: whatever they name under
 * `{release}` must be there.
 *
 * @param paths of all files of the release; undefined when they are not known because of other problems
 */
export function checkCommands(definition: ReadDefinition, paths: ReadonlySet<string> | undefined): void {
  for (const { at, command, staged } of commandsOf(definition)) {
    for (const [index, argument] of command.run.entries()) {
      const place = [...at, 'run', index];
      checkArgument(definition, place, argument, index === 0, paths);
      if (!staged && argument.includes('{release}')) {
        definition.source.reportAt(
          place,
          'a prerequisite is asked before the release is there, so it cannot use {release}',
          'use {previousRelease}, or a program of the system',
        );
      }
    }
  }
}

interface FoundCommand {
  readonly at: YamlPath;
  readonly command: Command;
  /** Whether the release is in its folder when it runs. */
  readonly staged: boolean;
}

function commandsOf({ partial }: ReadDefinition): readonly FoundCommand[] {
  const found: FoundCommand[] = [];
  for (const [index, hook] of (partial.hooks ?? []).entries()) {
    found.push({ at: ['hooks', index], command: hook, staged: true });
    if (hook.probe !== undefined) {
      found.push({ at: ['hooks', index, 'probe'], command: hook.probe, staged: true });
    }
    if (hook.undo !== undefined) {
      found.push({ at: ['hooks', index, 'undo'], command: hook.undo, staged: true });
    }
  }
  if (partial.healthCheck !== undefined) {
    found.push({ at: ['healthCheck'], command: partial.healthCheck, staged: true });
  }
  for (const [index, { check }] of (partial.prerequisites ?? []).entries()) {
    if (check.kind === 'command') {
      found.push({ at: ['prerequisites', index, 'check', 'command'], command: check.command, staged: false });
    }
  }
  return found;
}

function checkArgument(
  { source }: ReadDefinition,
  at: YamlPath,
  argument: string,
  isProgram: boolean,
  paths: ReadonlySet<string> | undefined,
): void {
  for (const [placeholder] of argument.matchAll(/\{[A-Za-z]+\}/g)) {
    if (!placeholders.includes(placeholder)) {
      source.reportAt(at, `"${placeholder}" stands for nothing`, suggestion(placeholder, placeholders));
    }
  }
  const inRelease = /^\{release\}\/(.*)$/.exec(argument)?.[1];
  if (inRelease !== undefined && paths !== undefined && !paths.has(inRelease)) {
    const meant = nearest(inRelease, paths);
    const isFolder = [...paths].some((path) => path.startsWith(`${inRelease.replace(/\/$/, '')}/`));
    if (isProgram || !isFolder) {
      source.reportAt(
        at,
        `"${inRelease}" is not in the payload`,
        meant === undefined
          ? 'add the file to the payload, or correct the path'
          : `did you mean "${meant}"? Otherwise add the file to the payload`,
      );
    }
  }
  if (isProgram && argument.includes('/') && !argument.startsWith('{') && !argument.startsWith('/')) {
    source.reportAt(
      at,
      `the program "${argument}" is relative to no folder`,
      `write "{release}/${argument.replace(/^\.\//, '')}" when it is part of the payload`,
    );
  }
}
