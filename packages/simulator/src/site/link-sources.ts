import { ContentError } from '@sallyport/core/domain/content/content-error';
import type { BlobRef } from '@sallyport/core/domain/content/tree';
import type { Digest } from '@sallyport/core/shared/ids';
import type { ContentSource } from '@sallyport/engine/ports/content-source';
import { LinkError } from '@sallyport/engine/ports/link-error';
import { type RepositorySource, RepositorySourceError } from '@sallyport/engine/ports/repository';
import type { Line, LinkServer } from './link-line.ts';

/** The parent's content library. */
export class LinkContent implements ContentSource {
  readonly name: string;
  readonly #line: Line;

  constructor(line: Line, name: string) {
    this.#line = line;
    this.name = name;
  }

  offers(digests: readonly Digest[], signal: AbortSignal): Promise<ReadonlySet<Digest>> {
    return served(this.#line, (server, gone) => server.content.offers(digests, gone), signal, ContentError);
  }

  async open(
    blob: BlobRef,
    offset: number,
    signal: AbortSignal,
  ): Promise<{ readonly startsAt: number; readonly chunks: AsyncIterable<Uint8Array> }> {
    const { startsAt, bytes } = await served(
      this.#line,
      async (server, gone) => {
        const opened = await server.content.open(blob, offset, gone);
        return { startsAt: opened.startsAt, bytes: await copied(opened.chunks) };
      },
      signal,
      ContentError,
    );
    return { startsAt, chunks: inPieces(bytes) };
  }
}

/** The vendor's metadata as the parent holds them. */
export class LinkRepository implements RepositorySource {
  readonly name: string;
  readonly #line: Line;

  constructor(line: Line, name: string) {
    this.#line = line;
    this.name = name;
  }

  metadata(
    name: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    return served(
      this.#line,
      (server, gone) => server.repository.metadata(name, limits, gone),
      signal,
      RepositorySourceError,
    );
  }

  async target(
    path: string,
    limits: { readonly maxBytes: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const bytes = await served(
      this.#line,
      async (server, gone) => {
        const found = await server.repository.target(path, limits, gone);
        return found && copied(found);
      },
      signal,
      RepositorySourceError,
    );
    return bytes === undefined ? undefined : inPieces(bytes);
  }
}

type SourceCode = 'BAD_STATUS' | 'STALLED' | 'UNREACHABLE';

/** Asks the parent's server; what goes wrong with the link is told in the words of the port. */
async function served<T>(
  line: Line,
  serve: (server: LinkServer, gone: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  Failure: new (
    code: SourceCode,
    message: string,
    details: Readonly<Record<string, never>>,
    options: ErrorOptions,
  ) => Error,
): Promise<T> {
  try {
    return await line.ask((server, _, gone) => serve(server, gone), 0, signal);
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    const code = error.code === 'STALLED' || error.code === 'UNREACHABLE' ? error.code : 'BAD_STATUS';
    throw new Failure(code, error.message, {}, { cause: error });
  }
}

/** What crosses is bytes of one's own. */
async function copied(chunks: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  return Array.fromAsync(chunks, (chunk) => chunk.slice());
}

/** As a connection does, it cuts where it likes. */
async function* inPieces(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    const half = Math.ceil(chunk.length / 2);
    if (half > 0) yield chunk.subarray(0, half);
    if (half < chunk.length) yield chunk.subarray(half);
  }
}
