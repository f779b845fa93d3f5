// Queries and mutations, over HTTP; and the client for streams, over a websocket.

import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { TypedDocumentString } from './gql/graphql.js';
import { resuming } from './resume.js';
import { authorization, refusalOf, tokenOfFile, type TokenSource } from './token.js';

/** What a server answered instead of data. */
export class ApiError extends Error {
  constructor(message: string, readonly code: string | undefined) {
    super(message);
  }
}

/** Runs a query or a mutation. Mutations belong here, not on the socket: its client would send them a second time when it reconnects. */
export async function execute<Result, Variables>(
  url: string, document: TypedDocumentString<Result, Variables>, variables: Variables, token: TokenSource = tokenOfFile,
): Promise<Result> {
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...authorization(await token()) },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const { data, errors } = await response.json() as { data?: Result; errors?: { message: string; extensions?: { code?: string } }[] };
  if (errors || !data) {
    throw new ApiError(errors?.map(({ message }) => message).join('; ') ?? `HTTP ${response.status}`, errors?.[0]?.extensions?.code);
  }
  return data;
}

export interface Options {
  /** The token of each connection. */
  token?: TokenSource;
  /** How long the server may say nothing, in milliseconds. It pings every 20 s, so after 30 s it is gone without a word. */
  silence?: number;
  /** Waits before the nth try to come back: by default twice as long each time, up to 10 s, and never all clients at once. */
  retryWait?: (n: number) => Promise<void>;
}

export const backOff = (n: number) => sleep(Math.min(50 * 2 ** n, 10_000) * (0.5 + Math.random() / 2));

/**
 * A client whose subscriptions come back for as long as it takes, and go on where they were cut. A subscription that the server ends
 * because of its token ends with that error: what may be read is another set of configs then, so read it anew. See watch.ts.
 */
export function connect(url: string, { token = tokenOfFile, silence = 30_000, retryWait = backOff }: Options = {}): ReturnType<typeof resuming> {
  let timer: NodeJS.Timeout | undefined;
  const client: Client = createClient({
    url: new URL('/graphql', url).href.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: async () => authorization(await token()),
    retryAttempts: Infinity,
    retryWait,
    // By default 4403 is tried again with the same token, and a server that refuses connections while it restarts ends all subscriptions.
    shouldRetry: (reason) => refusalOf(reason) === undefined,
    on: {
      message: () => {
        clearTimeout(timer);
        timer = setTimeout(() => client.terminate(), silence);
      },
      closed: () => clearTimeout(timer),
    },
  });
  return resuming(client);
}
