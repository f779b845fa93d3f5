// The client for Node.js: that of index.ts, which also keeps its configs in a file.

import { begin, type Client } from './client.js';
import { FileStorage } from './file.js';
import type { Options } from './types.js';

export { ConfigApiError } from './error.js';

export async function open(options: Options): Promise<Client> {
  if (options.file !== undefined && options.storage) {
    throw new TypeError('give either file or storage');
  }
  return begin(options, options.file === undefined ? options.storage : new FileStorage(options.file));
}
