import { Agent, request } from 'undici';
import { messageOf, SallyportError, type ErrorDetail } from '@sallyport/core/shared/errors';

export type ApiErrorCode = 'NO_SERVER' | 'NOT_ALLOWED' | 'BROKEN_ANSWER' | (string & {});

/** What the site server answered in place of a result, with its own code; or NO_SERVER when none listens. */
export class ApiError extends SallyportError<ApiErrorCode> {}

/** The commands' side of a site server's local API. */
export class LocalApiClient {
  readonly #agent: Agent;
  readonly #dataFolder: string;

  /** @param dataFolder only for messages */
  constructor(socketPath: string, dataFolder: string) {
    this.#agent = new Agent({ connect: { socketPath }, headersTimeout: 0, bodyTimeout: 0 });
    this.#dataFolder = dataFolder;
  }

  /**
   * Asks, and waits for as long as it takes: rejects with the signal's reason when that is aborted.
   *
   * @throws {ApiError} with the server's code, NO_SERVER, NOT_ALLOWED for another user than the server's, or BROKEN_ANSWER
   */
  async call(name: string, input: object = {}, signal?: AbortSignal): Promise<unknown> {
    const { body } = await this.#request(`/v1/${name}`, {
      method: 'POST',
      body: JSON.stringify(input),
      ...(signal === undefined ? {} : { signal }),
    });
    return resultOf(await body.text());
  }

  /** Values of the live feed, until the signal is aborted or the server ends. */
  async *watch(signal: AbortSignal): AsyncIterable<unknown> {
    const { body } = await this.#request('/v1/watch', { method: 'GET', signal });
    let rest = '';
    body.setEncoding('utf8');
    try {
      for await (const chunk of body) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) yield resultOf(`{"result":${line}}`);
      }
    } catch (error) {
      if (!signal.aborted)
        throw new ApiError(
          'NO_SERVER',
          `the site server of ${this.#dataFolder} ended the conversation: ${messageOf(error)}`,
        );
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #request(path: string, options: { method: 'GET' | 'POST'; body?: string; signal?: AbortSignal }) {
    try {
      return await request(`http://site${path}`, {
        ...options,
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json' },
      });
    } catch (cause) {
      options.signal?.throwIfAborted();
      if (isRefused(cause)) {
        throw new ApiError(
          'NOT_ALLOWED',
          `the site server of ${this.#dataFolder} answers its own user only: run the command as the user that the server runs as (${messageOf(cause)})`,
          {},
          { cause },
        );
      }
      throw new ApiError(
        'NO_SERVER',
        `no site server answers for ${this.#dataFolder}: start it with "sallyport site run --data ${this.#dataFolder}" (${messageOf(cause)})`,
        {},
        { cause },
      );
    }
  }
}

/** Whether the operating system keeps this user from the socket. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}

function resultOf(text: string): unknown {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw new ApiError(
      'BROKEN_ANSWER',
      'the site server answered something that is not JSON: are command and server of one version?',
      {},
      { cause },
    );
  }
  if (isRecord(answer) && 'result' in answer) {
    if (isRecord(answer['result']) && isProblem(answer['result']['error']))
      throw problem(answer['result']['error']);
    return answer['result'];
  }
  if (isRecord(answer) && isProblem(answer['error'])) throw problem(answer['error']);
  throw new ApiError(
    'BROKEN_ANSWER',
    'the site server answered neither a result nor an error: are command and server of one version?',
  );
}

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, ErrorDetail>>;
}

function problem(value: Problem): ApiError {
  return new ApiError(value.code, value.message, value.details ?? {});
}

function isProblem(value: unknown): value is Problem {
  return isRecord(value) && typeof value['code'] === 'string' && typeof value['message'] === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
