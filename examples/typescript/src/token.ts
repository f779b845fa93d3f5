// The token: where it comes from, where it goes, and how a client learns that it is not taken.

import { readFile } from 'node:fs/promises';

/** Returns the token to send, undefined for none. It is called for each request and each connection, so a new token needs no restart. */
export type TokenSource = () => Promise<string | undefined>;

/** The token in the file that CONFIGAPI_TOKEN_FILE names. */
export const tokenOfFile: TokenSource = async () => {
  const file = process.env.CONFIGAPI_TOKEN_FILE;
  return file ? (await readFile(file, 'utf8')).trim() : undefined;
};

/** What proves who calls: headers of a request, or the payload of a websocket's connection_init. */
export function authorization(token: string | undefined): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * Why the server ended a stream or refused a request because of its token: `refused`, it was revoked, has expired or was never valid;
 * `changed`, it may do something else by now: a stream has ended, or does not go on from its position. undefined for other reasons. It
 * takes what HTTP, graphql-ws and graphql-sse give.
 */
export function refusalOf(reason: unknown): 'refused' | 'changed' | undefined {
  const first = (Array.isArray(reason) ? reason[0] : reason) as { code?: unknown; reason?: unknown; extensions?: { code?: unknown } } | undefined;
  if (first?.code === 4403) { // a websocket was closed
    return first.reason === 'changed' ? 'changed' : 'refused';
  }
  const code = first?.extensions?.code ?? first?.code;
  if (Array.isArray(reason) && code === 'FORBIDDEN') { // of a subscription, which takes no other right
    return 'changed';
  }
  return code === 'UNAUTHENTICATED' ? 'refused' : undefined;
}
