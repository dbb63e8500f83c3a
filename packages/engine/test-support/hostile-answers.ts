import type { Answer } from './loopback-server.ts';

/** An answer whose body never ends, for as long as the client takes it; and how much of it was sent. */
export interface EndlessAnswer {
  readonly answer: Answer;
  /** Bytes that were handed to the connections so far, those that lie in its buffers included. */
  readonly sentBytes: () => number;
  /** Whether the client hung up on every one. */
  readonly allClosed: () => boolean;
}

const block = Buffer.alloc(64 * 1024, 'x');

/** @param first what the body begins with */
export function endless(
  status = 200,
  headers: Readonly<Record<string, string | number>> = {},
  first: Uint8Array = new Uint8Array(),
): EndlessAnswer {
  let sentBytes = 0;
  let open = 0;
  return {
    sentBytes: () => sentBytes,
    allClosed: () => open === 0,
    answer: (_, response) => {
      open += 1;
      response.on('close', () => (open -= 1));
      response.writeHead(status, headers);
      const pour = (): void => {
        while (!response.destroyed && response.write(block)) sentBytes += block.length;
        sentBytes += block.length;
      };
      response.on('drain', pour);
      if (first.length > 0) response.write(first);
      pour();
    },
  };
}

/** Sends `bytes` one by one, so slowly that it takes ages and so steadily that it is never silent. */
export function dripping(bytes: Uint8Array, everyMs: number, status = 200): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-length': bytes.length });
    let at = 0;
    const timer = setInterval(() => {
      response.write(bytes.subarray(at, at + 1));
      at += 1;
      if (at === bytes.length) response.end();
    }, everyMs);
    response.on('close', () => clearInterval(timer));
  };
}

/** Sends the head and the first `count` bytes, and then nothing. */
export function stalling(bytes: Uint8Array, count: number): Answer {
  return (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.flushHeaders();
    if (count > 0) response.write(bytes.subarray(0, count));
  };
}

/** Hangs up after the first `count` bytes. */
export function breakingOff(bytes: Uint8Array, count: number): Answer {
  return (_, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, count), () => response.destroy());
  };
}

/** Writes to the connection itself, past everything that keeps a server to HTTP; hangs up when told to. */
export function raw(text: Uint8Array | string, thenHangUp = true): Answer {
  return ({ socket }) => {
    socket.write(text);
    if (thenHangUp) socket.end();
  };
}

/** Repeats a text on the connection itself, every `everyMs`, until the client hangs up. */
export function rawEvery(first: string, text: string, everyMs: number): Answer {
  return ({ socket }) => {
    socket.write(first);
    const timer = setInterval(() => socket.write(text), everyMs);
    socket.on('close', () => clearInterval(timer));
    socket.on('error', () => undefined);
  };
}
