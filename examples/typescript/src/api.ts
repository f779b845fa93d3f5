// Queries and mutations, over HTTP; and the client for streams, over a websocket.

import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, type Client, type ClientOptions } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { TypedDocumentString } from './gql/graphql.js';
import { resuming } from './resume.js';

/** Runs a query or a mutation. Mutations belong here, not on the socket: its client would send them a second time when it reconnects. */
export async function execute<Result, Variables>(url: string, document: TypedDocumentString<Result, Variables>, variables: Variables): Promise<Result> {
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const { data, errors } = await response.json() as { data?: Result; errors?: { message: string }[] };
  if (errors || !data) {
    throw new Error(errors?.map(({ message }) => message).join('; ') ?? `HTTP ${response.status}`);
  }
  return data;
}

/** How long the server may say nothing, in milliseconds. It pings every 20 s, so after that it is gone without a word. */
const maxSilence = 30_000;

/** How long to wait before the nth try to come back, in milliseconds: twice as long each time, and never all clients at once. */
const backOff = (n: number) => Math.min(50 * 2 ** n, 10_000) * (0.5 + Math.random() / 2);

/** A client whose subscriptions come back for as long as it takes, and go on where they were cut. */
export function connect(url: string, options: Partial<ClientOptions> & { silence?: number } = {}): ReturnType<typeof resuming> {
  const { silence = maxSilence, ...rest } = options;
  let timer: NodeJS.Timeout | undefined;
  const client: Client = createClient({
    url: new URL('/graphql', url).href.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: Infinity,
    retryWait: (n) => sleep(backOff(n)),
    shouldRetry: () => true, // by default a server that refuses connections while it restarts ends all subscriptions
    on: {
      message: () => {
        clearTimeout(timer);
        timer = setTimeout(() => client.terminate(), silence);
      },
      closed: () => clearTimeout(timer),
    },
    ...rest,
  });
  return resuming(client);
}
