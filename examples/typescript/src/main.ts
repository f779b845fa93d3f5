// A small client of ConfigApi. `node dist/main.js` says what it can do.

import { connect, execute } from './api.js';
import type { ListQuery, WatchSubscription, WatchSubscriptionVariables } from './gql/graphql.js';
import { Delete, List, Set, Watch } from './operations.js';

const url = process.env.CONFIGAPI_URL ?? 'http://127.0.0.1:4000';

const usage = `list [PREFIX]      prints all configs, or those below PREFIX
set NAME VALUE     gives a config a value
delete NAME        deletes a config
watch [PREFIX]     prints all configs, then every change, for ever

CONFIGAPI_URL is where the server is: ${url}`;

/** Prints the present state, and returns the position of the last page: nothing that comes later is missing from it. */
async function list(prefix?: string): Promise<string> {
  for (let after: string | null = null; ;) {
    const { configs }: ListQuery = await execute(url, List, { filter: { prefix: prefix ?? null }, after });
    if (!configs) {
      throw new Error('the server gave no configs');
    }
    for (const { name, value } of configs.nodes) {
      console.log(`${name} = ${value}`);
    }
    if (!configs.pageInfo.hasNextPage) {
      return configs.position;
    }
    after = configs.pageInfo.endCursor ?? null;
  }
}

async function watch(prefix?: string): Promise<void> {
  const variables: WatchSubscriptionVariables = { filter: { prefix: prefix ?? null }, after: await list(prefix) };
  await new Promise<void>((resolve, reject) => {
    connect(url).subscribe<WatchSubscription>({ query: Watch.toString(), variables }, {
      next({ data }) {
        for (const { position, operation, name, value } of data?.configChanges.changes ?? []) {
          console.log(`${position} ${operation} ${name}${value == null ? '' : ` = ${value}`}`);
        }
      },
      error: (reason) => reject(reason instanceof Error ? reason : new Error(JSON.stringify(reason))),
      complete: resolve,
    });
  });
}

/** Prints where a change stands, or says why there was none. */
function report(result: { __typename: 'ConfigChanged'; position: string } | { __typename: string; message: string } | null | undefined): void {
  if (result && 'position' in result) {
    console.log(result.position);
  } else {
    throw new Error(result?.message ?? 'the server gave no result');
  }
}

const [command, name, value] = process.argv.slice(2);
try {
  if (command === 'list') {
    await list(name);
  } else if (command === 'watch') {
    await watch(name);
  } else if (command === 'set' && name !== undefined && value !== undefined) {
    report((await execute(url, Set, { input: { name, value } })).setConfig);
  } else if (command === 'delete' && name !== undefined) {
    report((await execute(url, Delete, { input: { name } })).deleteConfig);
  } else {
    throw new Error(usage);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
