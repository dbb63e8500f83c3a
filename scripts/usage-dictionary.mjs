// Writes docs/usage-data.md, the data dictionary of usage data, from the registry. A test compares the two.
//
//   node scripts/run.mjs exec scripts/usage-dictionary.mjs

import { writeFileSync } from 'node:fs';
import { dictionaryText } from '../packages/core/src/domain/usage/dictionary.ts';
import { usageItems } from '../packages/core/src/domain/usage/registry.ts';

writeFileSync(new URL('../docs/usage-data.md', import.meta.url), dictionaryText(usageItems));
