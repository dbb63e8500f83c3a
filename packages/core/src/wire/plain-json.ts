import { pointerPart } from './schema-problems.ts';
import type { Problem } from './wire-error.ts';

const depthMax = 64;
const problemsMax = 100;

/**
 * A copy of a value made of ordinary objects and arrays, and what in it is no JSON as documents here use it: whole
 * numbers, well-formed text, limited depth, no `__proto__`. Fields set to undefined are absent.
 */
export function plainJson(value: unknown): {
  readonly value: unknown;
  readonly problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const complain = (path: string, message: string): undefined => {
    if (problems.length < problemsMax) {
      problems.push({ path, message });
    }
    return undefined;
  };
  return { value: copy(value, '', 0), problems };

  function copy(item: unknown, path: string, depth: number): unknown {
    if (depth > depthMax) {
      return complain(path, `is nested deeper than ${depthMax} levels`);
    }
    switch (typeof item) {
      case 'boolean':
        return item;
      case 'number':
        return Number.isSafeInteger(item) ? item : complain(path, 'must be a whole number below 2^53');
      case 'string':
        return item.isWellFormed() ? item : complain(path, 'holds half of a surrogate pair');
      case 'object':
        break;
      default:
        return complain(path, 'is no JSON');
    }
    if (item === null) {
      return null;
    }
    if (Array.isArray(item)) {
      return item.map((part, index) => copy(part, `${path}/${index}`, depth + 1));
    }
    const prototype: unknown = Object.getPrototypeOf(item);
    if (prototype !== null && prototype !== Object.prototype) {
      return complain(path, 'is no JSON');
    }
    return Object.fromEntries(
      Object.entries(item)
        .filter(([, part]) => part !== undefined)
        .map(([name, part]) => {
          const at = `${path}/${pointerPart(name)}`;
          return [
            name,
            name === '__proto__' ? complain(at, 'is not allowed as a name') : copy(part, at, depth + 1),
          ];
        }),
    );
  }
}
