import { join } from 'node:path';
import process from 'node:process';
import { readDefinition } from '@sallyport/engine/cloud/definition/definition';
import {
  publish as publishPackages,
  type PublishedPackage,
  type PublishStep,
} from '@sallyport/engine/cloud/publisher';
import { WorkerPool } from '@sallyport/engine/compute/worker-pool';
import { formatBytes } from '@sallyport/core/shared/units';
import { formatTable, plain } from '../output/table.ts';
import { foldersOf, type KeyOptions, openCloud } from './open-cloud.ts';
import { readGivenFile } from '../command/given-file.ts';
import { exitCodes, printJson, printLine, runCommand } from '../command/run.ts';

export interface PublishOptions extends KeyOptions {
  /** 0 when not given. */
  readonly percentage?: number;
  readonly check?: boolean;
}

/** Beyond it, the file is no definition: the publisher takes none that is so large. */
const definitionMaxBytes = 1024 * 1024;

/** `cloud publish`. */
export async function publish(files: readonly string[], options: PublishOptions): Promise<void> {
  await runCommand(options.json === true, async (signal) => {
    const tools = await openCloud(options);
    const compute = new WorkerPool();
    const progress = new ProgressLine();
    try {
      const definitions = await Promise.all(
        files.map(async (file) =>
          readDefinition(file, await readGivenFile(file, 'the package definition', definitionMaxBytes)),
        ),
      );
      const published = await publishPackages(
        { ...tools, compute },
        definitions,
        {
          percentage: options.percentage ?? 0,
          checkOnly: options.check === true,
          onStep: (step) => progress.show(step),
        },
        signal,
      );
      progress.end();
      if (options.json === true) {
        printJson({ packages: published });
      } else {
        printPackages(published, join(foldersOf(options.data).repository));
      }
      refuseOtherRollouts(published, options.percentage);
    } finally {
      progress.end();
      await compute.close();
    }
  });
}

/** Publishing again changes no roll-out: who asked for another one is told how, and that it was not done. */
function refuseOtherRollouts(packages: readonly PublishedPackage[], asked: number | undefined): void {
  for (const { outcome, product, version, guid, percentage } of packages) {
    if (outcome !== 'unchanged' || asked === undefined || percentage === undefined || percentage === asked)
      continue;
    process.exitCode = exitCodes.failed;
    process.stderr.write(
      `sallyport: ${product} ${version} was published before and stays at ${percentage} % of hierarchies, not ${asked} %: change that with "sallyport cloud rollout ${guid} --percentage ${asked}"\n`,
    );
  }
}

function printPackages(packages: readonly PublishedPackage[], repository: string): void {
  printLine(
    formatTable(
      ['package', 'kind', 'guid', 'result', 'files', 'size', 'whole', 'as update', 'roll-out'],
      packages.map((item) => [
        `${item.product} ${item.version}`,
        item.kind,
        item.guid,
        item.outcome,
        item.fileCount === undefined ? '' : String(item.fileCount),
        bytesText(item.totalBytes),
        bytesText(item.wholeBytes),
        bytesText(item.updateBytes),
        item.percentage === undefined ? '' : `${item.percentage} %`,
      ]),
    ),
  );
  const published = packages.filter(({ outcome }) => outcome === 'published');
  const waiting = published.filter(({ percentage }) => percentage === 0);
  const baselines = published.filter(({ kind }) => kind === 'baseline');
  if (published.length === 0) {
    return;
  }
  printLine();
  printLine('Next:');
  for (const { guid, name } of waiting) {
    printLine(
      `  sallyport cloud rollout ${guid} --percentage 10     offers ${plain(name)} to a tenth of the hierarchies`,
    );
  }
  for (const { name } of baselines) {
    printLine(`  copy ${repository} to a medium: "sallyport site setup" takes ${plain(name)} from it`);
  }
  if (waiting.length === 0) {
    printLine('  sallyport cloud show     what is published, and how far it is rolled out');
  }
}

function bytesText(bytes: number | undefined): string {
  return bytes === undefined ? '' : formatBytes(bytes);
}

const doing: Readonly<Record<PublishStep['kind'], string>> = {
  checking: 'Checking',
  reading: 'Reading',
  encoding: 'Compressing and patching',
  signing: 'Signing the',
};

/** One line on a terminal that changes; nothing where nobody watches. */
class ProgressLine {
  #shown = '';

  show({ kind, name, doneBytes, totalBytes }: PublishStep): void {
    if (!process.stderr.isTTY) {
      return;
    }
    const share =
      doneBytes === undefined || totalBytes === undefined || totalBytes === 0
        ? ''
        : ` ${Math.floor((100 * doneBytes) / totalBytes)} %`;
    const text = `${doing[kind]} ${plain(name)}${share}`.slice(0, (process.stderr.columns ?? 80) - 1);
    if (text !== this.#shown) {
      process.stderr.write(`\r\u001B[2K${text}`);
      this.#shown = text;
    }
  }

  end(): void {
    if (this.#shown !== '') {
      process.stderr.write('\r\u001B[2K');
      this.#shown = '';
    }
  }
}
