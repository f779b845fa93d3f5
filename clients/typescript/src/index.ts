// The client for browsers, and for everything else that has fetch: see docs/client-typescript.md.

import { begin, type Client } from './client.js';
import type { Options } from './types.js';

export type { Client } from './client.js';
export { ConfigApiError, type Failure } from './error.js';
export type { Range } from './parse.js';
export type { Snapshot } from './snapshot.js';
export type { Change, ChangeSet, Config, Options, Result, TextStorage } from './types.js';
export type { Value } from './value.js';

/**
 * Returns a client that has all configs: from the server, or from `file` or `storage` when the server cannot be reached, or is busy. It never
 * uses those after the server has refused the token. It rejects with a ConfigApiError when there are no configs to begin with.
 */
export async function open(options: Options): Promise<Client> {
  if (options.file !== undefined) {
    throw new TypeError('file is for Node.js: give a storage');
  }
  return begin(options, options.storage);
}
