/**
 * Whether a path fits a pattern: `*` and `?` stand for anything within one part of the path, `**` for any parts.
 * A pattern that names a folder takes all that is in it.
 */
export function fitsPattern(path: string, pattern: string): boolean {
  return expressionOf(pattern).test(path);
}

function expressionOf(pattern: string): RegExp {
  const parts = pattern
    .replace(/\/+$/, '')
    .split('/')
    .map((part) =>
      part === '**'
        ? undefined
        : part
            .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
            .replaceAll('*', '[^/]*')
            .replaceAll('?', '[^/]'),
    );
  let text = '';
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    text += part === undefined ? (last ? '.*' : '(?:[^/]+/)*') : last ? part : `${part}/`;
  }
  return new RegExp(`^${text}(?:/.*)?$`, 'su');
}
