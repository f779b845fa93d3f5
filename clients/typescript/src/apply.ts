import { ConfigApiError } from './error.js';
import { sleep } from './pause.js';
import type { Server } from './server.js';
import type { ChangeSet, Result } from './types.js';

/** How often a change set is sent: for ten seconds or so. */
const maxTries = 8;

/**
 * Codes of refusals that come after the server has looked for the key. Any other refusal of a later try says nothing of the first one: the
 * token may have been revoked since, or another server may allow less.
 */
const decided = ['NOT_FOUND', 'DELETED', 'NOT_DELETED', 'VERSION_CONFLICT', 'STALE', 'ERASED'];

/** A new idempotency key. crypto.randomUUID is not there on pages without TLS. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Makes the changes of a set. It is sent again with the same key while the server cannot be reached or is busy, so that it has one effect. The
 * error says whether that effect is unknown.
 */
export async function apply(
  server: Server, set: ChangeSet, key: string, token: () => Promise<string | undefined>, pause: (n: number) => number, signal: AbortSignal,
): Promise<Result> {
  let unknown = false;
  for (let tries = 1; ; tries++) {
    let error: ConfigApiError;
    try {
      return await server.apply(set, key, await token(), signal);
    } catch (reason) {
      if (signal.aborted) {
        throw new ConfigApiError('given up before the outcome was known', { outcomeUnknown: !set.dryRun, key });
      }
      error = reason instanceof ConfigApiError ? reason : new ConfigApiError(`asking for the token: ${(reason as Error)?.message}`);
    }
    unknown = (unknown || error.outcomeUnknown) && !decided.includes(error.code ?? '');
    if (!error.temporary || tries === maxTries) {
      throw new ConfigApiError(error.message, { ...error, key, outcomeUnknown: unknown && !set.dryRun });
    }
    await sleep(Math.max(pause(tries - 1), error.retryAfter), signal);
  }
}
