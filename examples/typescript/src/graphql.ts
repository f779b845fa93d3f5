// Typed operations over GraphQL, and a subscription that goes on where it was cut. `node dist/graphql.js` says what it can do.

import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { authorization, live, refusalOf } from '@configapi/client/graphql';
import type { TypedDocumentString, WatchSubscription } from './gql/graphql.js';
import { History, Watch } from './operations.js';
import { token } from './token.js';

const url = process.env.CONFIGAPI_URL ?? 'http://127.0.0.1:4000';

const usage = `history NAME     prints what a config was, newest first
watch [PREFIX]   prints every change from now on

CONFIGAPI_URL is where the server is: ${url}
CONFIGAPI_TOKEN_FILE names a file with the token, which is read for each connection; no token when unset`;

/** Runs a query or a mutation. Mutations belong here, not on the socket: its client would send them a second time when it reconnects. */
async function execute<Result, Variables>(document: TypedDocumentString<Result, Variables>, variables: Variables): Promise<Result> {
  const response = await fetch(new URL('/graphql', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...authorization(await token()) },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const { data, errors } = await response.json() as { data?: Result; errors?: { message: string }[] };
  if (errors || !data) {
    throw new Error(errors?.map(({ message }) => message).join('; ') ?? `HTTP ${response.status}`);
  }
  return data;
}

/** Prints every change below a prefix, until the server ends the subscription. */
function watch(prefix: string | undefined): Promise<void> {
  const client = live(createClient, { url, token }, { webSocketImpl: WebSocket });
  const variables = { filter: { prefix: prefix ?? null } };
  return new Promise((complete, error) => {
    client.subscribe<WatchSubscription>({ query: Watch.toString(), variables }, {
      next: ({ data, errors }) => {
        data?.configChanges.changes.forEach((change) => console.log(JSON.stringify(change)));
        if (errors) {
          error(errors);
        }
      },
      error,
      complete,
    });
  });
}

const [command, name] = process.argv.slice(2);
try {
  if (command === 'history' && name !== undefined) {
    const { config } = await execute(History, { name });
    config?.history?.nodes.forEach((revision) => console.log(JSON.stringify(revision)));
  } else if (command === 'watch') {
    await watch(name);
  } else {
    throw new Error(usage);
  }
} catch (reason) {
  // What may be read is another set of configs after a refusal: a program that keeps a copy reads it anew, see main.ts.
  console.error(refusalOf(reason) ? 'the server does not take the token any more' : reason instanceof Error ? reason.message : JSON.stringify(reason));
  process.exitCode = 1;
}
