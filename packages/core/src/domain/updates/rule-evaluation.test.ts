import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countNodes, evaluateRule, ruleLimits, type Verdict } from './rule-evaluation.ts';
import type { Facts, FactTest, Rule } from './rule.ts';
import { UpdateError } from './update-error.ts';

const facts: Facts = {
  'product.version': '5.8.3',
  'disk.freeBytes': 10,
  'platform.os': 'linux',
  ready: true,
};

function verdict(rule: Rule, over: Facts = facts): Verdict {
  return evaluateRule(rule, over).verdict;
}

test('compares versions as versions and numbers as numbers', () => {
  assert.equal(verdict({ fact: 'product.version', atLeast: '5.8' }), 'yes');
  assert.equal(verdict({ fact: 'product.version', atLeast: '5.10' }), 'no');
  assert.equal(verdict({ fact: 'product.version', below: '5.10' }), 'yes');
  assert.equal(verdict({ fact: 'disk.freeBytes', atLeast: 9 }), 'yes');
  assert.equal(verdict({ fact: 'disk.freeBytes', below: 10 }), 'no');
});

test('compares other values exactly', () => {
  assert.equal(verdict({ fact: 'platform.os', is: 'linux' }), 'yes');
  assert.equal(verdict({ fact: 'platform.os', in: ['win32', 'darwin'] }), 'no');
  assert.equal(verdict({ fact: 'ready', is: 'true' }), 'no');
  assert.equal(verdict({ fact: 'ready', exists: true }), 'yes');
});

test('answers unknown for what cannot be compared', () => {
  assert.equal(verdict({ fact: 'platform.os', atLeast: '5' }), 'unknown');
  assert.equal(verdict({ fact: 'disk.freeBytes', atLeast: '5' }), 'unknown');
  assert.equal(verdict({ fact: 'ready', below: 1 }), 'unknown');
  assert.equal(verdict({ fact: 'ready' }), 'unknown');
});

test('takes no name of every object for a fact', () => {
  assert.equal(verdict({ fact: 'constructor', exists: true }), 'unknown');
  assert.equal(verdict({ not: { fact: 'toString', is: 'x' } }), 'unknown');
});

test('names the failing tests with value, requirement and what would change it', () => {
  const { failing } = evaluateRule(
    {
      all: [
        { fact: 'product.version', atLeast: '5.9' },
        { fact: 'ready', is: true },
        { fact: 'tpm', is: 2, says: 'A TPM 2.0 is needed.' },
      ],
    },
    facts,
  );
  assert.deepEqual(failing, [
    {
      fact: 'product.version',
      value: '5.8.3',
      verdict: 'no',
      requirement: 'product.version must be at least 5.9',
      sentence: 'product.version must be at least 5.9; it is 5.8.3.',
      change: 'product.version must be at least 5.9.',
    },
    {
      fact: 'tpm',
      verdict: 'unknown',
      requirement: 'tpm must be 2',
      sentence: 'A TPM 2.0 is needed.',
      change: 'The site reports tpm, and tpm must be 2.',
    },
  ]);
});

test('turns the requirement round under a not', () => {
  const { failing } = evaluateRule(
    {
      not: {
        any: [
          { fact: 'platform.os', is: 'linux' },
          { fact: 'ready', is: false },
        ],
      },
    },
    facts,
  );
  assert.deepEqual(
    failing.map(({ requirement }) => requirement),
    ['platform.os must not be linux'],
  );
});

test('refuses rules beyond their limits, however deep, without exhausting the stack', () => {
  const wide: Rule = {
    all: Array.from({ length: ruleLimits.nodesMax }, () => ({ fact: 'ready', is: true })),
  };
  assert.equal(countNodes(wide), ruleLimits.nodesMax + 1);
  assert.throws(
    () => evaluateRule(wide, facts),
    (error) => error instanceof UpdateError && error.code === 'RULE_TOO_LARGE',
  );
  let deep: Rule = { fact: 'ready', is: true };
  for (let level = 0; level < 100_000; level += 1) {
    deep = { not: deep };
  }
  assert.throws(
    () => evaluateRule(deep, facts),
    (error) => error instanceof UpdateError && error.code === 'RULE_TOO_LARGE',
  );
});

const names = ['a', 'b', 'c', 'd'] as const;
const value = fc.oneof(fc.boolean(), fc.integer({ min: 0, max: 3 }), fc.constantFrom('5.8', '5.9', 'x'));
const someFacts: fc.Arbitrary<Facts> = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 });
const leaf: fc.Arbitrary<FactTest> = fc
  .tuple(fc.constantFrom(...names), fc.nat(4), value)
  .map(([fact, operator, operand]): FactTest => {
    const bound = typeof operand === 'boolean' ? 1 : operand;
    switch (operator) {
      case 0:
        return { fact, is: operand };
      case 1:
        return { fact, atLeast: bound };
      case 2:
        return { fact, below: bound };
      case 3:
        return { fact, in: [operand, 2] };
      default:
        return { fact, exists: true };
    }
  });
const { rule } = fc.letrec<{ rule: Rule }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.array(tie('rule'), { minLength: 1, maxLength: 3 }).map((all): Rule => ({ all })),
    fc.array(tie('rule'), { minLength: 1, maxLength: 3 }).map((any): Rule => ({ any })),
    tie('rule').map((not): Rule => ({ not })),
  ),
}));

const order: readonly Verdict[] = ['no', 'unknown', 'yes'];

test('follows Kleene: all is the least, any the greatest, not turns round', () => {
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 4 }), someFacts, (parts, over) => {
      const ranks = parts.map((part) => order.indexOf(verdict(part, over)));
      assert.equal(verdict({ all: parts }, over), order[Math.min(...ranks)]);
      assert.equal(verdict({ any: parts }, over), order[Math.max(...ranks)]);
      assert.equal(
        verdict({ not: { all: parts } }, over),
        verdict({ any: parts.map((not) => ({ not })) }, over),
      );
      assert.equal(
        verdict({ not: { any: parts } }, over),
        verdict({ all: parts.map((not) => ({ not })) }, over),
      );
    }),
  );
});

test('undoes a double negation and ignores the order of parts', () => {
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 4 }), someFacts, (parts, over) => {
      const [first] = parts as [Rule];
      assert.deepEqual(evaluateRule({ not: { not: first } }, over), evaluateRule(first, over));
      const turned = parts.toReversed();
      assert.equal(verdict({ all: parts }, over), verdict({ all: turned }, over));
      assert.equal(verdict({ any: parts }, over), verdict({ any: turned }, over));
    }),
  );
});

test('never takes the unknown for yes: without facts no rule holds', () => {
  fc.assert(fc.property(rule, (any) => assert.notEqual(verdict(any, {}), 'yes')));
});

test('never takes a yes or no back when another fact becomes known', () => {
  fc.assert(
    fc.property(rule, someFacts, someFacts, (any, known, more) => {
      const before = verdict(any, known);
      if (before !== 'unknown') {
        assert.equal(verdict(any, { ...more, ...known }), before);
      }
    }),
  );
});

test('names a failing test exactly when the rule does not hold', () => {
  fc.assert(
    fc.property(rule, someFacts, (any, over) => {
      const outcome = evaluateRule(any, over);
      assert.equal(outcome.failing.length === 0, outcome.verdict === 'yes');
    }),
  );
});
