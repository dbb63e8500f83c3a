import { compareVersions, tryParseVersion } from '../../shared/version.ts';
import type { Facts, FactTest, FactValue, Rule } from './rule.ts';
import { UpdateError } from './update-error.ts';

export type Verdict = 'no' | 'unknown' | 'yes';

/** One test that keeps a rule from holding. */
export interface FailingLeaf {
  readonly fact: string;
  /** Absent when the fact is unknown. */
  readonly value?: FactValue;
  readonly verdict: 'no' | 'unknown';
  /** What would have to hold: `product.version must be at least 5.8.0`. */
  readonly requirement: string;
  /** The vendor's sentence, or one made from the requirement and the value. */
  readonly sentence: string;
  /** What would change it. */
  readonly change: string;
}

export interface RuleOutcome {
  readonly verdict: Verdict;
  /** The tests that decide against it, in the rule's order; empty when the verdict is yes. */
  readonly failing: readonly FailingLeaf[];
}

/** Beyond these a rule is refused, here and when a descriptor is read. */
export const ruleLimits = { nodesMax: 200, levelsMax: 20 } as const;

/**
 * Evaluates a rule over facts, three-valued as Kleene's logic: a missing fact is unknown whatever is asked of it
 * (`exists` and `not` included), so nothing is ever taken to hold because somebody failed to look.
 *
 * @throws {UpdateError} RULE_TOO_LARGE
 */
export function evaluateRule(rule: Rule, facts: Facts): RuleOutcome {
  const { nodes, levels } = measure(rule);
  if (nodes > ruleLimits.nodesMax || levels > ruleLimits.levelsMax) {
    throw new UpdateError(
      'RULE_TOO_LARGE',
      `a rule has ${nodes} nodes in ${levels} levels, more than the ${ruleLimits.nodesMax} in ${ruleLimits.levelsMax} allowed`,
      { nodes, levels },
    );
  }
  return evaluate(rule, facts, false);
}

/** Nodes of a rule, groups and tests alike. */
export function countNodes(rule: Rule): number {
  return measure(rule).nodes;
}

/** Size of a rule without recursion, so that a hostile one cannot exhaust the stack. */
export function measure(rule: Rule): { readonly nodes: number; readonly levels: number } {
  const pending: { readonly rule: Rule; readonly level: number }[] = [{ rule, level: 1 }];
  let nodes = 0;
  let levels = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    nodes += 1;
    levels = Math.max(levels, next.level);
    for (const child of childrenOf(next.rule)) {
      pending.push({ rule: child, level: next.level + 1 });
    }
  }
  return { nodes, levels };
}

function childrenOf(rule: Rule): readonly Rule[] {
  return 'all' in rule ? rule.all : 'any' in rule ? rule.any : 'not' in rule ? [rule.not] : [];
}

/** `negated` carries every `not` down to the tests, so that a failing one can say what it needs. */
function evaluate(rule: Rule, facts: Facts, negated: boolean): RuleOutcome {
  if ('not' in rule) {
    return evaluate(rule.not, facts, !negated);
  }
  if ('all' in rule || 'any' in rule) {
    const parts = childrenOf(rule).map((part) => evaluate(part, facts, negated));
    // De Morgan: under a `not`, all becomes any and any becomes all.
    return 'all' in rule === negated ? anyOf(parts) : allOf(parts);
  }
  return evaluateTest(rule, facts, negated);
}

function allOf(parts: readonly RuleOutcome[]): RuleOutcome {
  const verdict = parts.some((part) => part.verdict === 'no')
    ? 'no'
    : parts.some((part) => part.verdict === 'unknown')
      ? 'unknown'
      : 'yes';
  return { verdict, failing: parts.flatMap((part) => part.failing) };
}

function anyOf(parts: readonly RuleOutcome[]): RuleOutcome {
  if (parts.some((part) => part.verdict === 'yes')) {
    return { verdict: 'yes', failing: [] };
  }
  return {
    verdict: parts.some((part) => part.verdict === 'unknown') ? 'unknown' : 'no',
    failing: parts.flatMap((part) => part.failing),
  };
}

function evaluateTest(test: FactTest, facts: Facts, negated: boolean): RuleOutcome {
  const value = Object.hasOwn(facts, test.fact) ? facts[test.fact] : undefined;
  const holds = value === undefined ? 'unknown' : ask(test, value);
  const verdict = negated ? invert(holds) : holds;
  if (verdict === 'yes') {
    return { verdict, failing: [] };
  }
  const requirement = `${test.fact} must ${negated ? 'not ' : ''}be ${condition(test)}`;
  const state = value === undefined ? 'it is not known' : `it is ${String(value)}`;
  return {
    verdict,
    failing: [
      {
        fact: test.fact,
        ...(value === undefined ? {} : { value }),
        verdict,
        requirement,
        sentence: test.says ?? `${requirement}; ${state}.`,
        change:
          value === undefined ? `The site reports ${test.fact}, and ${requirement}.` : `${requirement}.`,
      },
    ],
  };
}

function invert(verdict: Verdict): Verdict {
  return verdict === 'yes' ? 'no' : verdict === 'no' ? 'yes' : 'unknown';
}

function truth(holds: boolean): Verdict {
  return holds ? 'yes' : 'no';
}

function ask(test: FactTest, value: FactValue): Verdict {
  if (test.is !== undefined) {
    return truth(value === test.is);
  }
  if (test.in !== undefined) {
    return truth(test.in.includes(value));
  }
  if (test.atLeast !== undefined) {
    const order = compareValues(value, test.atLeast);
    return order === undefined ? 'unknown' : truth(order >= 0);
  }
  if (test.below !== undefined) {
    const order = compareValues(value, test.below);
    return order === undefined ? 'unknown' : truth(order < 0);
  }
  return test.exists === undefined ? 'unknown' : truth(test.exists);
}

/** Undefined where the two cannot be compared: then nothing is known. */
function compareValues(value: FactValue, bound: number | string): number | undefined {
  if (typeof value === 'number' && typeof bound === 'number') {
    return value - bound;
  }
  if (typeof value !== 'string' || typeof bound !== 'string') {
    return undefined;
  }
  const left = tryParseVersion(value);
  const right = tryParseVersion(bound);
  return left === undefined || right === undefined ? undefined : compareVersions(left, right);
}

function condition(test: FactTest): string {
  if (test.is !== undefined) {
    return String(test.is);
  }
  if (test.in !== undefined) {
    return `one of ${test.in.map(String).join(', ')}`;
  }
  if (test.atLeast !== undefined) {
    return `at least ${test.atLeast}`;
  }
  if (test.below !== undefined) {
    return `below ${test.below}`;
  }
  return test.exists === true ? 'known' : 'something that this program can ask for';
}
