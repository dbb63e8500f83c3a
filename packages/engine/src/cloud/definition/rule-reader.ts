import { isMap, isScalar, isSeq, type Node } from 'yaml';
import type { FactTest, FactValue, Rule } from '@sallyport/core/domain/updates/rule';
import { measure, ruleLimits } from '@sallyport/core/domain/updates/rule-evaluation';
import { suggestion } from './nearest.ts';
import { boolean, list, type Reader, readFields, optional, required, text, wrong } from './yaml-readers.ts';
import type { YamlSource } from './yaml-source.ts';

const operators = ['is', 'atLeast', 'below', 'in', 'exists'] as const;
const groups = ['all', 'any', 'not'] as const;

/** A rule tree (design section 8): `all`, `any`, `not`, or one test of one fact. */
export const rule: Reader<Rule> = (node, source, name) => {
  const read = readRule(node, source, name, 1);
  if (read === undefined) {
    return undefined;
  }
  const { nodes } = measure(read);
  if (nodes > ruleLimits.nodesMax) {
    source.report(
      node,
      `"${name}" has ${nodes} nodes, more than the ${ruleLimits.nodesMax} allowed`,
      'make it smaller',
    );
    return undefined;
  }
  return read;
};

function readRule(node: Node, source: YamlSource, name: string, level: number): Rule | undefined {
  if (level > ruleLimits.levelsMax) {
    source.report(
      node,
      `"${name}" is nested deeper than the ${ruleLimits.levelsMax} levels allowed`,
      'make it flatter',
    );
    return undefined;
  }
  if (!isMap(node)) {
    return wrong(node, source, name, 'a rule', 'write all, any or not, or a fact with one of its tests');
  }
  const keys = node.items.map((pair) => (isScalar(pair.key) ? String(pair.key.value) : ''));
  const [group, ...others] = groups.filter((key) => keys.includes(key));
  if (group === undefined) {
    return readTest(node, source, name);
  }
  if (others.length > 0 || keys.length > 1) {
    source.report(
      node,
      `"${name}" mixes ${keys.join(' and ')}`,
      'put each into a rule of its own under all or any',
    );
    return undefined;
  }
  const child = node.get(group, true) as Node | undefined;
  const childName = `${name}.${group}`;
  if (child === undefined) {
    source.report(node, `"${childName}" is empty`, 'give it a rule');
    return undefined;
  }
  if (group === 'not') {
    const inner = readRule(child, source, childName, level + 1);
    return inner === undefined ? undefined : { not: inner };
  }
  if (!isSeq(child)) {
    return wrong(child, source, childName, 'a list of rules', 'write one rule a line, each after "- "');
  }
  const rules = list((item, _, itemName) => readRule(item, source, itemName, level + 1), { minimum: 1 })(
    child,
    source,
    childName,
  );
  return rules === undefined ? undefined : group === 'all' ? { all: rules } : { any: rules };
}

const factValue: Reader<FactValue> = (node, source, name) => {
  const value = isScalar(node) ? node.value : undefined;
  if (typeof value === 'string' || typeof value === 'boolean') {
    return value;
  }
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && isScalar(node) && /^-?\d+$/.test(node.source ?? '')) {
      return value;
    }
    source.report(
      node,
      `"${name}" is a number with decimals, which rules do not have`,
      'put a version in quotes',
    );
    return undefined;
  }
  return wrong(node, source, name, 'text, a whole number, true or false', 'put texts and versions in quotes');
};

const bound: Reader<number | string> = (node, source, name) => {
  const value = factValue(node, source, name);
  return typeof value === 'boolean'
    ? wrong(node, source, name, 'a number or a version', 'put versions in quotes')
    : value;
};

const testFields = {
  fact: required(text),
  is: optional(factValue),
  atLeast: optional(bound),
  below: optional(bound),
  in: optional(list(factValue, { minimum: 1 })),
  exists: optional(boolean),
  says: optional(text),
};

function readTest(node: Node, source: YamlSource, name: string): FactTest | undefined {
  const { value, complete } = readFields(testFields, node, source, name);
  if (!complete || value.fact === undefined) {
    return undefined;
  }
  const used = operators.filter((operator) => value[operator] !== undefined);
  if (used.length !== 1) {
    const what = used.length === 0 ? 'tests nothing' : `has ${used.join(' and ')} at once`;
    source.report(node, `"${name}" ${what}`, `give exactly one of ${operators.join(', ')}`);
    return undefined;
  }
  if (value.fact.trim() === '') {
    source.report(
      node,
      `"${name}.fact" is empty`,
      suggestion('', ['product.version', 'site.type', 'disk.freeBytes']),
    );
    return undefined;
  }
  return { ...value, fact: value.fact };
}
