// A copy of the configs below a prefix, which follows the server's.

import { connect, execute } from './api.js';
import type { ListQuery, WatchSubscription, WatchSubscriptionVariables } from './gql/graphql.js';
import { List, Watch } from './operations.js';
import { refusalOf, tokenOfFile } from './token.js';

/**
 * Calls print with a line for each config, then for each change, for ever. It ends with an error when the server does not take the
 * token and there is no other one.
 *
 * The server ends a stream when its token was revoked or has expired, or may read other configs by now. Then the copy is read anew, and
 * what is not there any more is dropped: the client may not know of it any longer.
 */
export async function watch(url: string, prefix: string | undefined, print: (line: string) => void): Promise<void> {
  const copy = new Map<string, string>(); // :: name → value
  for (;;) {
    const used = await tokenOfFile();
    try {
      await follow(url, prefix, await readAnew(url, prefix, copy, print), copy, print);
      return;
    } catch (reason) {
      const refusal = refusalOf(reason);
      if (refusal === undefined || refusal === 'refused' && await tokenOfFile() === used) {
        throw reason;
      }
    }
  }
}

/** Makes the copy equal to the present state, prints what differs, and returns the position of that state. */
async function readAnew(url: string, prefix: string | undefined, copy: Map<string, string>, print: (line: string) => void): Promise<string> {
  const present = new Map<string, string>();
  const position = await list(url, prefix, (name, value) => present.set(name, value));
  for (const name of copy.keys()) {
    if (!present.has(name)) {
      copy.delete(name);
      print(`- ${name}`);
    }
  }
  for (const [name, value] of present) {
    if (copy.get(name) !== value) {
      copy.set(name, value);
      print(`${name} = ${value}`);
    }
  }
  return position;
}

/** Calls each with the configs of the present state, and returns the position of the last page: nothing that comes later is missing from it. */
export async function list(url: string, prefix: string | undefined, each: (name: string, value: string) => void): Promise<string> {
  for (let after: string | null = null; ;) {
    const { configs }: ListQuery = await execute(url, List, { filter: { prefix: prefix ?? null }, after });
    if (!configs) {
      throw new Error('the server gave no configs');
    }
    configs.nodes.forEach(({ name, value }) => each(name, value));
    if (!configs.pageInfo.hasNextPage) {
      return configs.position;
    }
    after = configs.pageInfo.endCursor ?? null;
  }
}

/** Applies every change after a position to the copy, and prints it. */
function follow(url: string, prefix: string | undefined, after: string, copy: Map<string, string>, print: (line: string) => void): Promise<void> {
  const variables: WatchSubscriptionVariables = { filter: { prefix: prefix ?? null }, after };
  return new Promise<void>((complete, error) => {
    connect(url).subscribe<WatchSubscription>({ query: Watch.toString(), variables }, {
      next({ data, errors }) {
        if (errors) {
          error(errors);
        }
        for (const { position, operation, name, value } of data?.configChanges.changes ?? []) {
          if (value == null) {
            copy.delete(name);
          } else {
            copy.set(name, value);
          }
          print(`${position} ${operation} ${name}${value == null ? '' : ` = ${value}`}`);
        }
      },
      error,
      complete,
    });
  });
}
