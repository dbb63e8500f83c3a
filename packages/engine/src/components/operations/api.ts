import { apiInputs, type ApiInput, type ApiName } from '@sallyport/core/wire/api';
import type { SiteOperations } from './operations.ts';

/** One operation as an API serves it: what it takes, and what it does with it. */
export interface OperationEntry {
  readonly input: (typeof apiInputs)[ApiName];
  handle(input: never): Promise<unknown>;
}

/** The operations by their names in the API. Inputs are validated by whoever serves them. */
export function apiOperations(operations: SiteOperations): Readonly<Record<ApiName, OperationEntry>> {
  return {
    check: entry('check', () => operations.check()),
    list: entry('list', (input) => operations.list(input)),
    show: entry('show', (input) => operations.show(input)),
    why: entry('why', (input) => operations.why(input)),
    warnings: entry('warnings', (input) => operations.warnings(input)),
    download: entry('download', (input) => operations.download(input)),
    'check-prerequisites': entry('check-prerequisites', (input) => operations.checkPrerequisites(input)),
    install: entry('install', (input) => operations.install(input)),
    'upgrade-secondary': entry('upgrade-secondary', (input) => operations.upgradeSecondary(input)),
    cancel: entry('cancel', (input) => operations.cancel(input)),
    retry: entry('retry', (input) => operations.retry(input)),
    reset: entry('reset', (input) => operations.reset(input)),
    history: entry('history', (input) => operations.history(input)),
    status: entry('status', (input) => operations.status(input)),
    usage: entry('usage', () => operations.usage()),
    sites: entry('sites', () => operations.sites()),
  };
}

function entry<N extends ApiName>(name: N, handle: (input: ApiInput<N>) => unknown): OperationEntry {
  return { input: apiInputs[name], handle: async (input) => handle(input) };
}
