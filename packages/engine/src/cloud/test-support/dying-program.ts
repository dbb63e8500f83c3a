import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { WorkerPool } from '../../compute/worker-pool.ts';
import type { KeyRole } from '../../ports/key-ring.ts';
import type { CloudTools } from '../cloud-tools.ts';
import { readDefinition } from '../definition/definition.ts';
import { rotateKeys } from '../key-rotation.ts';
import { publish } from '../publisher.ts';
import { toolsFor } from './cloud-fixture.ts';

// dying-program.ts FOLDER "publish"|"rotate ROLE" N: does the work on a data folder, and is killed before its N-th write.
const [folder = '', verb = '', dieBefore = ''] = process.argv.slice(2);
const signal = new AbortController().signal;
const tools = mortal(await toolsFor(folder), Number(dieBefore));

if (verb === 'publish') {
  const compute = new WorkerPool();
  const file = join(folder, '1.0', 'package.yaml');
  await publish(
    { ...tools, compute },
    [readDefinition(file, await readFile(file))],
    { percentage: 0 },
    signal,
  );
  await compute.close();
} else {
  await rotateKeys(tools, verb.replace('rotate ', '') as KeyRole, {}, signal);
}

function mortal(alive: CloudTools, deathAt: number): CloudTools {
  let writes = 0;
  const counted = async (write: () => Promise<void>): Promise<void> => {
    writes += 1;
    if (writes >= deathAt) {
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => undefined);
    }
    await write();
  };
  const { repository } = alive;
  return {
    ...alive,
    repository: {
      name: repository.name,
      metadata: (name) => repository.metadata(name),
      target: (path) => repository.target(path),
      putMetadata: (name, bytes) => counted(() => repository.putMetadata(name, bytes)),
      putTarget: (path, bytes) => counted(() => repository.putTarget(path, bytes)),
    },
  };
}
