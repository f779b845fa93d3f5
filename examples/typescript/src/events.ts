// The changes as REST's GET /events sends them, by fetch: a browser's EventSource cannot send a token.

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ApiError, backOff, type Options } from './api.js';
import { authorization, tokenOfFile } from './token.js';

/** What one event says. */
export interface Changes {
  changes: { position: string; operation: string; name: string; value: string | null }[];
  position: string;
}

/** Where to begin and to end, and of which configs. */
export interface Selection {
  prefix?: string | undefined;
  /** Only what comes after this position; undefined: from now on. */
  after?: string | undefined;
  /** Ends the stream. */
  signal?: AbortSignal | undefined;
}

const worthATry = ['UNAVAILABLE', 'POSITION_NOT_REACHED', 'RATE_LIMITED'];

/**
 * Gives the changes below a prefix after a position, each once and in order, through any number of reconnects. It ends with an error
 * when another try cannot help. With the code UNAUTHENTICATED or FORBIDDEN the token is not taken any more, or may read other configs by
 * now: read all anew, with another token if need be, and drop what is not there any more, as watch.ts does.
 */
export async function* events(
  url: string, { prefix, after, signal = new AbortController().signal }: Selection, { token = tokenOfFile, silence = 30_000, retryWait = backOff }: Options = {},
): AsyncGenerator<Changes, void> {
  for (let tries = 0; !signal.aborted; tries++) {
    try {
      for await (const { event, data } of stream(addressOf(url, prefix, after), authorization(await token()), signal, silence)) {
        if (event === 'error') {
          throw problem(data);
        }
        const message = JSON.parse(data) as Changes;
        after = message.position;
        tries = 0;
        yield message;
      }
    } catch (reason) {
      if (reason instanceof ApiError && !worthATry.includes(reason.code ?? '')) {
        throw reason;
      }
    }
    await retryWait(tries);
  }
}

function addressOf(url: string, prefix: string | undefined, after: string | undefined): URL {
  const address = new URL('/events', url);
  for (const [name, value] of Object.entries({ prefix, after })) {
    if (value !== undefined) {
      address.searchParams.set(name, value);
    }
  }
  return address;
}

/** The events of one connection, which is left when nothing comes for some time: the server sends a comment every 15 s. */
async function* stream(address: URL, headers: Record<string, string>, signal: AbortSignal, silence: number): AsyncGenerator<EventSourceMessage, void> {
  const hangUp = new AbortController();
  const timer = setTimeout(() => hangUp.abort(), silence);
  try {
    const response = await fetch(address, { headers: { accept: 'text/event-stream', ...headers }, signal: AbortSignal.any([signal, hangUp.signal]) });
    if (!response.ok || !response.body) {
      throw problem(await response.text());
    }
    const arrived: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => arrived.push(event) });
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      timer.refresh();
      parser.feed(decoder.decode(chunk, { stream: true }));
      yield* arrived.splice(0);
    }
  } finally {
    clearTimeout(timer);
    hangUp.abort();
  }
}

/** The error that a problem describes. */
function problem(text: string): ApiError {
  const { detail, code } = JSON.parse(text) as { detail: string; code: string };
  return new ApiError(detail, code);
}
