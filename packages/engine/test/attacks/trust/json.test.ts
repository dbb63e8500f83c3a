import { describe, test } from 'node:test';
import { type AttackedSite, vendorRepository, withstands } from '../../../test-support/attacked-trust.ts';

/** The next timestamp, signed as it should be, as `rewrite` writes it: the signature fits what JSON.parse would read. */
function rewritten(rewrite: (text: string) => Uint8Array | string): (site: AttackedSite) => void {
  return ({ repo }) => {
    repo.publish('timestamp');
    const text = Buffer.from(repo.bytes('timestamp')).toString();
    const written = rewrite(text);
    repo.serve('timestamp', typeof written === 'string' ? Buffer.from(written) : written);
  };
}

const version = (text: string) => (json: string) => json.replace('"version": 3', text);
const extra = (text: string) => (json: string) =>
  json.replace('"_type": "timestamp"', `"_type": "timestamp", ${text}`);

const cases: Readonly<Record<string, readonly [(text: string) => Uint8Array | string, RegExp]>> = {
  'names its version twice, the better one last': [
    version('"version": 999, "version": 3'),
    /"version" occurs twice/,
  ],
  'names its version twice, once in escapes': [
    version(String.raw`"\u0076ersion": 999, "version": 3`),
    /"version" occurs twice/,
  ],
  'has a second signed part': [
    (text) => text.replace('"signed":', '"signed": {"_type": "timestamp", "version": 999}, "signed":'),
    /"signed" occurs twice/,
  ],
  'has __proto__ twice': [extra('"__proto__": 1, "__proto__": 2'), /"__proto__" occurs twice/],
  'writes its version as 3.0': [version('"version": 3.0'), /3\.0 is not a whole number/],
  'writes its version as 3e0': [version('"version": 3e0'), /3e0 is not a whole number/],
  'writes its version as 30e-1': [version('"version": 30e-1'), /30e-1 is not a whole number/],
  'writes its version as -0': [version('"version": -0'), /-0 is not a whole number/],
  'writes its version as 0': [version('"version": 0'), /"version" must be a whole number of at least 1/],
  'writes its version as -1': [version('"version": -1'), /"version" must be a whole number of at least 1/],
  'writes its version as 2^53': [
    version('"version": 9007199254740992'),
    /9007199254740992 is not a whole number/,
  ],
  'writes its version as 2^53+1': [version('"version": 9007199254740993'), /9007199254740993 is not a whole/],
  'writes its version with 10,000 digits': [
    version(`"version": 3${'0'.repeat(10_000)}`),
    /is not a whole number/,
  ],
  'writes its version as 1e999': [version('"version": 1e999'), /1e999 is not a whole number/],
  'writes its version as 03': [version('"version": 03'), /cannot be read at character/],
  'writes its version as +3': [version('"version": +3'), /an unexpected character/],
  'writes its version as 0x3': [version('"version": 0x3'), /cannot be read at character/],
  'writes its version as NaN': [version('"version": NaN'), /an unexpected character/],
  'writes its version as text': [version('"version": "3"'), /"version" must be a whole number/],
  'writes its version as a list of one': [version('"version": [3]'), /"version" must be a whole number/],
  'holds half of a surrogate pair in escapes': [extra(String.raw`"x": "\ud83d"`), /half of a surrogate pair/],
  'holds a pair of surrogates the wrong way round': [
    extra(String.raw`"x": "\ude00\ud83d"`),
    /half of a surrogate pair/,
  ],
  'holds a surrogate as bytes': [
    (text) => Buffer.concat([Buffer.from(extra('"x": "')(text).slice(0, 60)), Buffer.from('eda080', 'hex')]),
    /not valid UTF-8/,
  ],
  'holds an overlong form of a slash': [
    (text) =>
      Buffer.concat([
        Buffer.from(text.slice(0, 20)),
        Buffer.from('c0af', 'hex'),
        Buffer.from(text.slice(20)),
      ]),
    /not valid UTF-8/,
  ],
  'begins with a byte order mark': [(text) => `\uFEFF${text}`, /character 0: an unexpected character/],
  'is UTF-16': [(text) => Buffer.from(`\uFEFF${text}`, 'utf16le'), /not valid UTF-8/],
  'holds a raw NUL in a text': [extra('"x": "a\0b"'), /raw control character/],
  'holds a raw line feed in a name': [extra('"x\n": 1'), /raw control character/],
  'is nested 33 deep': [extra(`"x": ${'['.repeat(31)}${']'.repeat(31)}`), /more than 32 levels/],
  'is nested 15,000 deep': [() => '['.repeat(15_000), /more than 32 levels/],
  'is nested 15,000 deep in objects': [() => '{"a":'.repeat(3000), /more than 32 levels/],
  'goes on after its end': [(text) => `${text}x`, /text after the end of the document/],
  'is two documents': [(text) => `${text}\n${text}`, /text after the end of the document/],
  'ends with a NUL': [(text) => `${text}\0`, /text after the end of the document/],
  'holds a comment': [(text) => text.replace('"version"', '/* */ "version"'), /a string was expected/],
  'has a comma too many': [(text) => text.replace(/\}\s*$/, ',}'), /a string was expected/],
  'uses single quotes': [(text) => text.replaceAll('"', "'"), /a string was expected/],
  'is cut off in the middle': [(text) => text.slice(0, text.length >> 1), /cannot be read at character/],
  'is empty': [() => '', /the document ends too early/],
  'is white space': [() => ' '.repeat(16_000), /the document ends too early/],
  'is null': [() => 'null', /the document must be an object/],
  'is a list': [(text) => `[${text}]`, /the document must be an object/],
  'is a web page': [
    () => '<!doctype html><title>Sign in to the guest network</title>',
    /an unexpected character/,
  ],
};

describe('a refresh refuses a timestamp that', () => {
  for (const [name, [rewrite, says]] of Object.entries(cases)) {
    test(name, (t) =>
      withstands(t, {
        does: rewritten(rewrite),
        code: 'MALFORMED',
        says: new RegExp(`^timestamp metadata .*${says.source}`),
      }),
    );
  }
});

test('a refresh refuses targets of five million brackets, without an end of its stack', (t) =>
  withstands(t, {
    repo: () => vendorRepository({ withHashes: false }),
    does: ({ repo }) => {
      repo.publish('targets');
      repo.serve('targets', Buffer.from('['.repeat(4_999_999)));
      repo.publish('snapshot', 'timestamp');
    },
    code: 'MALFORMED',
    says: /^targets metadata cannot be read: .*more than 32 levels/,
    advances: ['snapshot.json', 'timestamp.json'],
  }));

test('a refresh names the delegated role whose metadata cannot be read', (t) =>
  withstands(t, {
    does: ({ repo }) => {
      repo.publish('catalog');
      repo.serve(
        'catalog',
        Buffer.from('{"signatures": [], "signed": {"_type": "targets", "version": 1.5}}'),
      );
      repo.publish('snapshot', 'timestamp');
    },
    code: 'MALFORMED',
    says: /^catalog metadata cannot be read: .*1\.5 is not a whole number/,
    advances: ['snapshot.json', 'timestamp.json'],
  }));
