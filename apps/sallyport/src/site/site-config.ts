import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { SallyportError } from '@sallyport/core/shared/errors';

const address = Type.Object({
  host: Type.String({ minLength: 1 }),
  port: Type.Integer({ minimum: 0, maximum: 65_535 }),
});

const schema = Type.Object(
  {
    schema: Type.Literal(1),
    code: Type.String({ pattern: '^[A-Z0-9]{3}$' }),
    type: Type.Union([Type.Literal('central'), Type.Literal('primary'), Type.Literal('secondary')]),
    hierarchyId: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    /** Absent at the top-tier site. */
    parent: Type.Optional(
      Type.Object({
        code: Type.String({ pattern: '^[A-Z0-9]{3}$' }),
        key: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        ...address.properties,
      }),
    ),
    /** Where children dial in; absent where there can be none. */
    link: Type.Optional(address),
    /** The vendor's cloud; only the top-tier site has one. */
    vendor: Type.Optional(
      Type.Object({
        url: Type.String({ minLength: 1 }),
        /** `cloud`: facts out, offers in. `none`: a static repository, local applicability only. */
        exchange: Type.Union([Type.Literal('cloud'), Type.Literal('none')]),
        /** `offline`: everything goes by media, with the service connection tool. Absent: online. */
        mode: Type.Optional(Type.Literal('offline')),
      }),
    ),
    products: Type.Array(Type.String(), { minItems: 1 }),
    ring: Type.String({ minLength: 1 }),
    checkIntervalMs: Type.Integer({ minimum: 60_000 }),
  },
  { additionalProperties: false },
);

/** What a site is, as set-up wrote it to `site.json`. */
export type SiteConfig = Readonly<Static<typeof schema>>;

export type ConfigErrorCode = 'NO_SITE' | 'UNREADABLE' | 'INVALID' | 'CANNOT_LISTEN';

/** A data folder without a site, or a `site.json` that is not what set-up writes or cannot be followed. */
export class ConfigError extends SallyportError<ConfigErrorCode> {}

/** Reads and checks `site.json` of a data folder; all problems at once. @throws {ConfigError} */
export function readSiteConfig(dataFolder: string): SiteConfig {
  const path = join(dataFolder, 'site.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw missing
      ? new ConfigError(
          'NO_SITE',
          `${dataFolder} holds no site: make one with "sallyport site setup --data ${dataFolder} …"`,
          { path },
          { cause },
        )
      : new ConfigError(
          'UNREADABLE',
          `${path} cannot be read: check its owner and mode`,
          { path },
          { cause },
        );
  }
  return parseSiteConfig(text, path);
}

/** @throws {ConfigError} INVALID, naming every field that is wrong */
export function parseSiteConfig(text: string, path: string): SiteConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(
      'INVALID',
      `${path} is not JSON: restore it from a backup, or set the site up anew`,
      { path },
      { cause },
    );
  }
  if (Value.Check(schema, value)) return Object.freeze(value);
  const problems = Value.Errors(schema, value).map(
    (error) => `${error.instancePath || '/'} ${error.message}`,
  );
  throw new ConfigError('INVALID', `${path} is not a site's configuration: ${problems.join('; ')}`, { path });
}

/** The folders of a site, all beneath its data folder. */
export interface SiteFolders {
  readonly data: string;
  readonly config: string;
  readonly database: string;
  readonly trust: string;
  readonly content: string;
  readonly products: string;
  readonly keys: string;
  readonly logs: string;
  readonly run: string;
  readonly backup: string;
  readonly scratch: string;
}

/** Absolute, whatever folder the command was started in: programs of packages run in folders of their own. */
export function siteFolders(dataFolder: string): SiteFolders {
  const data = resolve(dataFolder);
  return {
    data,
    config: join(data, 'site.json'),
    database: join(data, 'database', 'site.db'),
    trust: join(data, 'trust'),
    content: join(data, 'content'),
    products: join(data, 'products'),
    keys: join(data, 'keys'),
    logs: join(data, 'logs'),
    run: join(data, 'run'),
    backup: join(data, 'backup'),
    scratch: join(data, 'scratch'),
  };
}
