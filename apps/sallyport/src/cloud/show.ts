import { type Overview, overview, type PackageOverview } from '@sallyport/engine/cloud/overview';
import { formatBytes } from '@sallyport/core/shared/units';
import { formatTable, plain } from '../output/table.ts';
import { forecastJson, forecastTable } from './keys.ts';
import { type KeyOptions, openCloud, openDatabase } from './open-cloud.ts';
import { printJson, printLine, runCommand } from '../command/run.ts';

/** `cloud show`. */
export async function show(options: KeyOptions): Promise<void> {
  await runCommand(options.json === true, async () => {
    const tools = await openCloud(options);
    const database = await openDatabase(options);
    try {
      const all = await overview(tools, database);
      if (options.json === true) {
        printJson(overviewJson(all));
      } else {
        printOverview(all, tools.clock.now());
      }
    } finally {
      await database.close();
    }
  });
}

function overviewJson({ roles, hierarchies, ...rest }: Overview): unknown {
  return {
    ...rest,
    roles: roles.map(forecastJson),
    hierarchies: hierarchies.map(({ enrolledAt, reportedAt, ...hierarchy }) => ({
      ...hierarchy,
      enrolledAt: new Date(enrolledAt).toISOString(),
      ...(reportedAt === undefined ? {} : { reportedAt: new Date(reportedAt).toISOString() }),
    })),
  };
}

function printOverview(all: Overview, now: number): void {
  printLine(`Vendor: ${plain(all.vendor)}`);
  for (const product of all.products) {
    printLine();
    printLine(
      `${plain(product.name)} (${product.product})${product.requiresUsageData ? '' : ', without usage data'}`,
    );
    printLine(
      product.packages.length === 0
        ? 'Nothing is published yet.'
        : formatTable(
            ['version', 'kind', 'guid', 'size', 'files', 'ring', 'roll-out'],
            product.packages.map((item) => [
              item.version,
              item.kind,
              item.guid,
              formatBytes(item.totalBytes),
              String(item.fileCount),
              item.ring,
              rolloutText(item),
            ]),
          ),
    );
  }
  printLine();
  printLine(forecastTable(all.roles, now));
  printLine();
  printLine(
    formatTable(
      ['key', 'role', 'in force', 'where'],
      all.keys.map(({ name, role, inForce, place }) => [name, role, inForce ? 'yes' : 'no', place]),
    ),
  );
  printLine();
  printLine(
    all.hierarchies.length === 0
      ? 'No hierarchy is enrolled.'
      : formatTable(
          ['hierarchy', 'enrolled', 'last facts', 'sites', 'ring', 'versions', ''],
          all.hierarchies.map(({ id, enrolledAt, reportedAt, sites, ring, versions, quarantined }) => [
            id.slice(0, 16),
            minute(enrolledAt),
            reportedAt === undefined ? 'never' : minute(reportedAt),
            sites === undefined ? '' : String(sites),
            ring ?? '',
            versions.map(({ product, version }) => `${product} ${version}`).join(', '),
            quarantined ? 'quarantined' : '',
          ]),
        ),
  );
  printLine(
    `Enrolment codes: ${all.codes.unused} unused, ${all.codes.used} used, ${all.codes.expired} expired.`,
  );
}

function rolloutText({
  kind,
  percentage,
  held,
  heldWhere = [],
  stopped,
  floor,
  withdrawn,
}: PackageOverview): string {
  if (withdrawn !== undefined) {
    return `withdrawn: ${withdrawn}`;
  }
  if (kind === 'baseline') {
    return 'from media';
  }
  return [
    percentage === undefined ? 'none' : `${percentage} %`,
    ...(floor ? ['floor'] : []),
    ...(held === undefined ? [] : [`held: ${held}`]),
    ...heldWhere.map((reason) => `held on some configurations: ${reason}`),
    ...(stopped === undefined ? [] : [`stopped: ${stopped}`]),
  ].join(', ');
}

function minute(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ');
}
