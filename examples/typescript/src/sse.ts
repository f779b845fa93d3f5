// The client for streams over server-sent events, where websockets cannot be used.

import { createClient } from 'graphql-sse';
import type { Client } from 'graphql-ws';
import { backOff, type Options } from './api.js';
import { resuming } from './resume.js';
import { authorization, tokenOfFile } from './token.js';

/** As connect, over server-sent events. */
export function connectSse(url: string, { token = tokenOfFile, retryWait = backOff }: Options = {}): Pick<Client, 'subscribe' | 'dispose'> {
  let sent: string | undefined;
  let refused = false;
  const client = createClient({
    url: new URL('/graphql', url).href,
    retryAttempts: Infinity,
    retry: retryWait,
    // It takes an answer of 401 for a broken connection, and tries again. An error thrown here ends the subscription.
    headers: async () => {
      const present = await token();
      if (refused && present === sent) {
        throw new Error('the server refuses the token');
      }
      [sent, refused] = [present, false];
      return authorization(present);
    },
    fetchFn: async (...request: Parameters<typeof fetch>) => {
      const response = await fetch(...request);
      refused ||= response.status === 401;
      return response;
    },
  });
  return resuming(client as unknown as Client); // whose subscribe it has, but for small differences of types
}
