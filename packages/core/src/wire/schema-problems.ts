import { Settings } from 'typebox/system';
import type { TLocalizedValidationError as SchemaError } from 'typebox/error';
import type { Problem } from './wire-error.ts';

/** More problems than this help nobody. */
const problemsMax = 100;
/** TypeBox gathers 8 by default; every form of a union counts. */
const errorsMax = 2000;

/** All the errors that `gather` finds, as problems that say what to do. Never empty when there are errors. */
export function schemaProblems(gather: () => readonly SchemaError[]): readonly Problem[] {
  const before = Settings.Get().maxErrors;
  Settings.Set({ maxErrors: errorsMax });
  try {
    const errors = gather();
    const problems = reduce(errors);
    return problems.length > 0 || errors.length === 0
      ? problems.slice(0, problemsMax)
      : [{ path: '', message: 'has another form than it should' }];
  } finally {
    Settings.Set({ maxErrors: before });
  }
}

/**
 * A value that fits no form of a union brings the errors of every form. Those of the form that was most likely
 * meant are kept; where no form stands out, one problem names what was expected.
 */
function reduce(errors: readonly SchemaError[]): readonly Problem[] {
  const unions = errors.filter(({ keyword }) => keyword === 'anyOf');
  const outermost = unions.filter(
    (union) => !unions.some((other) => other !== union && isInside(union, other)),
  );
  const problems = errors
    .filter((error) => error.keyword !== 'anyOf' && !error.schemaPath.includes('/anyOf/'))
    .flatMap(problemsOf);
  for (const union of outermost) {
    problems.push(...reduceUnion(union, errors));
  }
  return problems;
}

function isInside(error: SchemaError, union: SchemaError): boolean {
  return (
    error.schemaPath.startsWith(`${union.schemaPath}/anyOf/`) && isAt(error.instancePath, union.instancePath)
  );
}

function isAt(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`);
}

function reduceUnion(union: SchemaError, errors: readonly SchemaError[]): readonly Problem[] {
  const forms = new Map<string, SchemaError[]>();
  const prefix = `${union.schemaPath}/anyOf/`;
  for (const error of errors) {
    if (isInside(error, union)) {
      const rest = error.schemaPath.slice(prefix.length);
      const end = rest.indexOf('/');
      const index = end < 0 ? rest : rest.slice(0, end);
      const form = forms.get(index) ?? [];
      form.push({ ...error, schemaPath: `#${rest.slice(index.length)}` });
      forms.set(index, form);
    }
  }
  const marker = markerOf([...forms.values()], union.instancePath);
  if (marker?.expected !== undefined) {
    return [{ path: marker.path, message: `must be one of ${marker.expected.join(', ')}` }];
  }
  const ranked = [...forms.values()]
    .map((form) => ({ form, distance: distanceOf(form, union.instancePath, marker?.path) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [best, second] = ranked;
  if (best !== undefined && best.distance < (second?.distance ?? Number.POSITIVE_INFINITY)) {
    return reduce(best.form);
  }
  const expected = new Set(
    ranked.flatMap(({ form }) => form.flatMap((error) => expectation(error, union.instancePath))),
  );
  const message =
    expected.size > 0 ? `needs one of: ${[...expected].join(', ')}` : 'has none of the allowed forms';
  return [{ path: union.instancePath, message }];
}

/**
 * The field that tells the forms of a union apart (`kind`): all forms refuse its value but one, or but none, and
 * then `expected` lists what they want.
 */
function markerOf(
  forms: readonly (readonly SchemaError[])[],
  path: string,
): { readonly path: string; readonly expected?: readonly string[] } | undefined {
  const wanted = new Map<string, string[]>();
  for (const error of forms.flat()) {
    if (
      error.keyword === 'const' &&
      parentOf(error.instancePath) === path &&
      !error.schemaPath.includes('/anyOf/')
    ) {
      wanted.set(error.instancePath, [
        ...(wanted.get(error.instancePath) ?? []),
        JSON.stringify(error.params.allowedValue),
      ]);
    }
  }
  for (const [field, expected] of wanted) {
    if (forms.length > 1 && expected.length >= forms.length - 1) {
      return expected.length === forms.length ? { path: field, expected } : { path: field };
    }
  }
  return undefined;
}

/** How far a value is from a form, judged by its own level: a wrong marker weighs most. */
function distanceOf(form: readonly SchemaError[], path: string, marker: string | undefined): number {
  let distance = 0;
  for (const error of form) {
    if (error.keyword === 'const' && error.instancePath === marker) {
      distance += 1000;
    } else if (error.keyword === 'required' && error.instancePath === path) {
      distance += 10 * error.params.requiredProperties.length;
    } else if (error.keyword === 'type' && error.instancePath === path) {
      distance += 100;
    } else if (error.keyword === 'additionalProperties' && error.instancePath === path) {
      distance += 10 * error.params.additionalProperties.length;
    }
  }
  return distance;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

function expectation(error: SchemaError, path: string): readonly string[] {
  if (error.instancePath !== path) {
    return [];
  }
  return error.keyword === 'required'
    ? error.params.requiredProperties
    : error.keyword === 'type'
      ? [String(error.params.type)]
      : [];
}

function problemsOf(error: SchemaError): readonly Problem[] {
  const path = error.instancePath;
  switch (error.keyword) {
    // Its parent's error names the field.
    case 'boolean':
      return [];
    case 'required':
      return error.params.requiredProperties.map((name) => ({
        path: `${path}/${pointerPart(name)}`,
        message: 'is missing',
      }));
    case 'additionalProperties':
      return error.params.additionalProperties.map((name) => ({
        path: `${path}/${pointerPart(name)}`,
        message: 'is unknown here: leave it out, or use a newer version that knows it',
      }));
    case 'enum':
      return [
        {
          path,
          message: `must be one of ${error.params.allowedValues.map((value) => JSON.stringify(value)).join(', ')}`,
        },
      ];
    case 'const':
      return [
        {
          path,
          message:
            path === '/schema'
              ? `must be ${JSON.stringify(error.params.allowedValue)}: it was written for another version of this program`
              : `must be ${JSON.stringify(error.params.allowedValue)}`,
        },
      ];
    case '~refine':
      return [{ path, message: error.params.message }];
    default:
      return [{ path, message: error.message }];
  }
}

/** A field's name as a part of a JSON Pointer. */
export function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
