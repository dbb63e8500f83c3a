import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { changeRepository, type CloudTools } from '@sallyport/engine/cloud/cloud-tools';
import { catalogueFile, rolloutFile } from '@sallyport/engine/cloud/contents';
import { withFiles } from '@sallyport/engine/cloud/repository/writer';
import { newEntry, withEntries } from '@sallyport/engine/cloud/rollout-changes';
import { forEachBounded } from '@sallyport/core/shared/bounded';
import type { CatalogueEntry, PackageDescriptor } from '@sallyport/core/domain/updates/package';
import { packageGuid } from '@sallyport/core/shared/ids';
import { descriptorFormat } from '@sallyport/core/wire/descriptor';
import { encodingsFormat } from '@sallyport/core/wire/encodings';
import { treeFormat } from '@sallyport/core/wire/tree';
import { growthExponent } from '../figures.ts';
import type { BenchContext, Part } from '../part.ts';
import type { Table } from '../report.ts';
import { type Measured, runChild } from '../scene/child.ts';
import { makeVendor, typescript } from '../scene/vendor.ts';

export interface CatalogueTask {
  /** The vendor's published folder. */
  readonly repository: string;
  /** The site's own, empty. */
  readonly folder: string;
  readonly rootBase64: string;
}

export interface CatalogueFigures {
  readonly firstRefresh: Measured;
  readonly firstEvaluation: Measured;
  readonly secondRefresh: Measured;
  readonly secondEvaluation: Measured;
  /** Packages that have a state at the site now. */
  readonly judged: number;
  readonly problems: readonly string[];
}

/** What catalogues of growing size cost a site. */
export const cataloguePart: Part = { name: 'catalogue', run };

const steps = ['firstRefresh', 'firstEvaluation', 'secondRefresh', 'secondEvaluation'] as const;

async function run(context: BenchContext): Promise<readonly Table[]> {
  const { folder, signal, say, quick } = context;
  const sizes = quick ? [50, 500] : [100, 1000, 10_000];
  const measured: { readonly size: number; readonly figures: CatalogueFigures }[] = [];
  for (const size of sizes) {
    say(`publishes ${String(size)} packages`);
    const vendor = join(folder, `vendor-${String(size)}`);
    const tools = await makeVendor(vendor, typescript, signal);
    await publishMany(tools, size, signal);
    const repository = join(vendor, 'repository');
    const root = await readFile(join(repository, 'metadata', '1.root.json'));
    say(`a site refreshes and evaluates ${String(size)} packages`);
    const task: CatalogueTask = {
      repository,
      folder: join(folder, `site-${String(size)}`),
      rootBase64: root.toString('base64'),
    };
    const figures = await runChild<CatalogueFigures>('catalogue-refresh.ts', task, signal);
    const [problem] = figures.problems;
    if (problem !== undefined || figures.judged !== size) {
      throw new Error(
        `${String(figures.judged)} of ${String(size)} packages were judged; ${problem ?? 'no problem was told'}`,
      );
    }
    measured.push({ size, figures });
  }
  const exponents = Object.fromEntries(
    steps.map((step) => [
      step,
      // Processor time: that the disk or another program was busy is no growth.
      growthExponent(measured.map(({ size, figures }) => ({ size, cost: figures[step].cpuMs }))).toFixed(2),
    ]),
  );
  return [
    {
      title: 'Catalogues: what refreshing and evaluating costs a site',
      columns: [
        { key: 'size', label: 'packages', format: 'count' },
        { key: 'firstRefresh', label: 'first refresh', format: 'duration' },
        { key: 'firstEvaluation', label: 'first evaluation', format: 'duration' },
        { key: 'secondRefresh', label: 'refresh, nothing new', format: 'duration' },
        { key: 'secondEvaluation', label: 'evaluation, nothing new', format: 'duration' },
        { key: 'peakRssBytes', label: 'peak memory', format: 'bytes' },
      ],
      rows: [
        ...measured.map(({ size, figures }) => ({
          size,
          ...Object.fromEntries(steps.map((step) => [step, figures[step].elapsedMs])),
          peakRssBytes: figures.secondEvaluation.peakRssBytes,
        })),
        { size: 'growth exponent', ...exponents },
      ],
      notes: [
        'From a folder, without a network. A refresh brings and verifies metadata, catalogue, roll-out and every descriptor, each durable.',
        'An evaluation reads and parses what is held, selects, and writes each package’s state. The exponent is that of processor time: 1 is linear.',
      ],
    },
  ];
}

/** Signs for many packages at once: small ones that all have the same content, each for everybody. */
async function publishMany(
  { blobs, ...tools }: CloudTools,
  size: number,
  signal: AbortSignal,
): Promise<void> {
  const content: PackageDescriptor['content'] = {
    tree: await blobs.putBytes(treeFormat.print({ schema: 1, files: [] })),
    encodings: await blobs.putBytes(encodingsFormat.print({ schema: 1, segments: [] })),
    fileCount: 0,
    totalBytes: 0,
  };
  const entries: CatalogueEntry[] = [];
  const numbers = Array.from({ length: size }, (_, number) => number + 1);
  await forEachBounded(numbers, 8, async (number) => {
    const descriptor = descriptorOf(number, content);
    const ref = await blobs.putBytes(descriptorFormat.print(descriptor));
    const { guid, kind, version } = descriptor;
    entries.push({ guid, kind, version, descriptor: ref });
  });
  await changeRepository(
    { ...tools, blobs },
    'publish many packages',
    async ({ state, contents }) => {
      const catalogue = contents.catalogues.get(typescript);
      if (catalogue === undefined) throw new Error('the catalogue is missing');
      const packages = entries.toSorted((a, b) => (a.guid < b.guid ? -1 : 1));
      const rollout = withEntries(
        contents.rollouts.get(typescript),
        typescript,
        packages.map(({ guid }) => newEntry(guid, 100, tools.random)),
      );
      const files = [catalogueFile({ ...catalogue, packages }), rolloutFile(rollout)] as const;
      const change = {
        catalog: withFiles(state.catalog.signed.targets, [files[0]]),
        rollout: withFiles(state.rollout.signed.targets, [files[1]]),
        files,
      };
      return { change, result: undefined };
    },
    signal,
  );
}

/** Version updates one after the other, each superseding the one before, with a rule and a prerequisite. */
function descriptorOf(number: number, content: PackageDescriptor['content']): PackageDescriptor {
  const guidOf = (of: number) => packageGuid(`00000000-0000-4000-8000-${String(of).padStart(12, '0')}`);
  return {
    schema: 1,
    guid: guidOf(number),
    product: typescript,
    name: `Release ${String(number)}`,
    description: 'One of many.',
    kind: 'version-update',
    version: `1.${String(number)}`,
    appliesTo: { lowest: '0.1' },
    supersedes: number > 1 ? [guidOf(number - 1)] : [],
    requires: [],
    ring: 'general',
    impact: ['site-server'],
    releasedAt: '2026-01-01',
    applicability: { all: [{ fact: 'platform.os', in: ['linux', 'darwin', 'win32'] }] },
    prerequisites: [
      {
        id: 'free-disk',
        title: 'Free disk space',
        severity: 'error',
        remedy: 'Free some.',
        check: { kind: 'free-disk', sizeBytes: 1000 },
      },
    ],
    features: [],
    content,
    hooks: [],
  };
}
