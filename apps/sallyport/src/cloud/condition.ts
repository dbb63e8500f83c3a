import { InvalidArgumentError } from 'commander';
import type { Rule } from '@sallyport/core/domain/updates/rule';

const form = /^([A-Za-z][\w.-]*)\s*(>=|<|=)\s*(\S.*)$/;
/** Facts that are numbers; versions are compared as versions, and are texts. */
const countFacts = ['sites.total', 'sites.central', 'sites.primary', 'sites.secondary'];

/** A test of one reported fact, as it is typed: `platform.arch=arm64`, `product.version<5.9.2`. For options that take several. */
export function conditionArgument(text: string, before: readonly Rule[] = []): readonly Rule[] {
  const [, fact = '', operator = '', value = ''] = form.exec(text.trim()) ?? [];
  if (fact === '') {
    throw new InvalidArgumentError(
      'Write FACT=VALUE, FACT<VALUE or FACT>=VALUE, such as platform.arch=arm64 or product.version<5.9.2.',
    );
  }
  const typed = typedValue(fact, value.trim());
  switch (operator) {
    case '=':
      return [...before, { fact, is: typed }];
    case '<':
      return [...before, { fact, below: bound(typed) }];
    default:
      return [...before, { fact, atLeast: bound(typed) }];
  }
}

function typedValue(fact: string, value: string): boolean | number | string {
  if (countFacts.includes(fact)) {
    if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError(`${fact} is a number: give a whole one.`);
    return Number(value);
  }
  return value === 'true' ? true : value === 'false' ? false : value;
}

function bound(value: boolean | number | string): number | string {
  if (typeof value === 'boolean') throw new InvalidArgumentError('true and false are compared with "=".');
  return value;
}
