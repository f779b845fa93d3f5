// The clients of graphql-ws and graphql-sse as the package @configapi/client makes them.

import { createClient } from 'graphql-ws';
import { createClient as createSseClient } from 'graphql-sse';
import { WebSocket } from 'ws';
import { live, liveSse } from '../../clients/typescript/dist/graphql.js';
import { backOff } from './resume.js';

export const pause = () => backOff;

/** A client over a websocket, whose subscriptions resume. */
export function connect(url, options) {
  return live(createClient, { url, pause, ...options }, { webSocketImpl: WebSocket });
}

/** A client over server-sent events, whose subscriptions resume. */
export function connectSse(url, options) {
  return liveSse(createSseClient, { url, pause, ...options });
}
