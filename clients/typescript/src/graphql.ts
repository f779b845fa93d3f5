// Streams over GraphQL, for users of graphql-ws, graphql-sse, urql, Apollo Client and the like: they go on where they were cut.

import { backOff } from './pause.js';

/** Returns the token, undefined for none. It is called for each connection, so that a rotated token needs no restart. */
export type TokenSource = string | undefined | (() => string | undefined | Promise<string | undefined>);

/** How live and liveSse connect. */
export interface LiveOptions {
  /** Where the server is, such as https://config.example. In browsers it may be relative to the page. */
  url: string | URL;
  token?: TokenSource;
  /** How long the server may say nothing, in milliseconds: 30,000 by default. It pings every 20 s. For live alone. */
  silence?: number;
  /** How long to wait before the nth try, from 0, in milliseconds. By default twice as long each time, at random, up to 15 s. */
  pause?: (n: number) => number;
  /** Returns the position of what a subscription has sent. By default that of configChanges. */
  positionOf?: (data: unknown) => string | undefined;
}

interface Payload {
  query: string;
  variables?: Record<string, unknown> | null | undefined;
}

interface Message {
  data?: unknown;
}

interface Sink {
  next(message: never): void;
  error(reason: unknown): void;
  complete(): void;
}

/** What live needs of a client: a client of graphql-ws or graphql-sse has it. */
export interface Subscriber {
  subscribe(payload: never, sink: never): () => void;
}

/** What live gives the function createClient of graphql-ws. */
export interface SocketOptions {
  url: string;
  connectionParams(): Promise<Record<string, string>>;
  retryAttempts: number;
  retryWait(retries: number): Promise<void>;
  shouldRetry(reason: unknown): boolean;
  on: { message(): void; closed(): void };
}

/** What liveSse gives the function createClient of graphql-sse. */
export interface EventOptions {
  url: string;
  headers(): Promise<Record<string, string>>;
  retryAttempts: number;
  retry(retries: number): Promise<void>;
  fetchFn: typeof fetch;
}

/** A client whose subscriptions resume. `iterate` is not to be had: it hands messages out later than they arrive. */
export type Live<C> = Omit<C, 'iterate'> & { iterate: never };

/**
 * Makes a client of graphql-ws whose subscriptions come back for as long as it takes, and go on where they were cut, with no change lost and
 * none repeated. `more` are further options of graphql-ws, such as webSocketImpl.
 *
 *     import { createClient } from 'graphql-ws';
 *     const client = live(createClient, { url: 'https://config.example', token });
 *
 * A subscription must declare the variable `after`, as `subscription ($after: Position) { configChanges(after: $after) { … position } }`. It
 * ends with an error when the server ends it because of its token: what may be read is another set of configs then, so read it anew. See
 * refusalOf.
 */
export function live<C extends Subscriber & { terminate(): void }, More extends object = object>(
  createClient: (options: SocketOptions & More) => C, { url, token, silence = 30_000, pause = backOff, positionOf }: LiveOptions, more?: More,
): Live<C> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const client = createClient({
    ...more!,
    url: addressOf(url).replace(/^http/, 'ws'),
    connectionParams: async () => authorization(await valueOf(token)),
    retryAttempts: Infinity,
    retryWait: (retries) => wait(pause(retries)),
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
  return resuming(client, positionOf);
}

/** As live, of graphql-sse, where websockets cannot be used. */
export function liveSse<C extends Subscriber, More extends object = object>(
  createClient: (options: EventOptions & More) => C, { url, token, pause = backOff, positionOf }: LiveOptions, more?: More,
): Live<C> {
  let sent: string | undefined;
  let refused = false;
  const client = createClient({
    ...more!,
    url: addressOf(url),
    retryAttempts: Infinity,
    retry: (retries) => wait(pause(retries)),
    // It takes an answer of 401 for a broken connection, and tries again. An error thrown here ends the subscription.
    headers: async () => {
      const present = await valueOf(token);
      if (refused && present === sent) {
        throw new Error('the server refuses the token');
      }
      [sent, refused] = [present, false];
      return authorization(present);
    },
    fetchFn: async (...request) => {
      const response = await fetch(...request);
      refused ||= response.status === 401;
      return response;
    },
  });
  return resuming(client, positionOf);
}

/**
 * Makes the subscriptions of any such client go on where they were cut: after a reconnect it sends the variables of a subscription again, so
 * the position of each message becomes their `after`. It has to happen when a message arrives.
 */
export function resuming<C extends Subscriber>(client: C, positionOf: (data: unknown) => string | undefined = positionOfChanges): Live<C> {
  const subscribe = client.subscribe as (payload: Payload, sink: Sink) => () => void;
  return {
    ...client,
    iterate: undefined as never,
    subscribe(payload: Payload, sink: Sink) {
      const variables: Record<string, unknown> = { ...payload.variables };
      return subscribe({ ...payload, variables }, {
        next(message: Message) {
          variables.after = positionOf(message.data) ?? variables.after;
          sink.next(message as never);
        },
        error: (reason) => sink.error(reason),
        complete: () => sink.complete(),
      });
    },
  };
}

/**
 * Why the server ended a stream or refused a request because of its token: `refused`, it was revoked, has expired or was never valid;
 * `changed`, it may do something else by now: a stream has ended, or does not go on from its position. After both read the configs anew, after
 * `refused` with another token, and drop what is no longer there. undefined for other reasons. It takes what graphql-ws and graphql-sse give.
 */
export function refusalOf(reason: unknown): 'refused' | 'changed' | undefined {
  const first = (Array.isArray(reason) ? reason[0] : reason) as { code?: unknown; reason?: unknown; extensions?: { code?: unknown } } | null | undefined;
  if (first?.code === 4403) { // a websocket was closed
    return first.reason === 'changed' ? 'changed' : 'refused';
  }
  const code = first?.extensions?.code ?? first?.code;
  if (Array.isArray(reason) && code === 'FORBIDDEN') { // of a subscription, which takes no other right
    return 'changed';
  }
  return code === 'UNAUTHENTICATED' ? 'refused' : undefined;
}

/** What proves who calls: headers of a request, or the payload of a websocket's connection_init. */
export function authorization(token: string | undefined): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

function positionOfChanges(data: unknown): string | undefined {
  return (data as { configChanges?: { position?: string } } | null | undefined)?.configChanges?.position;
}

async function valueOf(token: TokenSource): Promise<string | undefined> {
  return typeof token === 'function' ? token() : token;
}

function addressOf(url: string | URL): string {
  const { origin, pathname } = new URL(url, (globalThis as { location?: { href: string } }).location?.href);
  return `${origin}${pathname.replace(/\/+$/, '')}/graphql`;
}

function wait(duration: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, duration);
  });
}
