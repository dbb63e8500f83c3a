import { fileDatabase } from './databases.ts';

/** A process of its own that writes as fast as it can and reports each transaction once it is answered. */
const [path = '', site = '', mode] = process.argv.slice(2);
const database = fileDatabase(path, site);
if (mode === 'open-only') {
  database.close();
  process.disconnect();
} else {
  for (;;) {
    const count = database.write(({ records, settings }) => {
      const next = Number(settings.get('count') ?? 0) + 1;
      records.putOwn('site-status', String(next), { next }, 0);
      settings.put('count', next);
      return next;
    });
    await new Promise((resolve) => {
      process.send?.(count, resolve);
    });
  }
}
