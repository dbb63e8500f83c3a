/** A fact's value: text, a number, a truth value. Versions are texts, compared as versions by `atLeast` and `below`. */
export type FactValue = string | number | boolean;

/** Facts by name (`product.version`, `site.type`, `package.<guid>`, `disk.freeBytes`, …). A missing name is unknown. */
export type Facts = Readonly<Record<string, FactValue>>;

/** One question about one fact: exactly one of the operators is present. */
export interface FactTest {
  readonly fact: string;
  readonly is?: FactValue;
  readonly atLeast?: string | number;
  readonly below?: string | number;
  readonly in?: readonly FactValue[];
  readonly exists?: boolean;
  /** The vendor's sentence for the administrator when this does not hold. */
  readonly says?: string;
}

/** A typed condition, at most 200 nodes in all (design section 8). Data, never code. */
export type Rule =
  | { readonly all: readonly Rule[] }
  | { readonly any: readonly Rule[] }
  | { readonly not: Rule }
  | FactTest;
