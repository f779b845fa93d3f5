// graphql-sse, in its "distinct connections" mode, with what @configapi/client/graphql makes of its client.

import { test } from 'node:test';
import { basics, codedError } from './basics.js';
import { connectSse } from './live.js';
import { everyChangeOnce, watchChanges } from './resume.js';
import { patience } from './server.js';

test('graphql-sse: query, mutation, subscription', patience, async (t) => {
  await basics(t, (server) => {
    const client = open(server.url, server);
    const subscribe = (query, variables, sink) => client.subscribe({ query, variables }, {
      next: ({ data, errors }) => (errors ? sink.error(codedError(errors)) : sink.next(data)),
      error: (reason) => sink.error(reason),
      complete() {},
    });
    const execute = (query, variables) => new Promise((next, error) => subscribe(query, variables, { next, error }));
    return { query: execute, mutate: execute, subscribe, close: () => client.dispose() };
  });
});

test('graphql-sse: each change once, in order, through cuts and restarts', patience, async (t) => {
  await everyChangeOnce(t, (url, after, sink, server) => open(url, server).subscribe({ query: watchChanges, variables: { after } }, {
    next: ({ data, errors }) => (errors ? sink.error(codedError(errors)) : sink.next(data)),
    error: (reason) => sink.error(reason),
    complete: () => sink.error('complete'),
  }), { cuts: 20 });
});

function open(url, { tokenSource: token }) {
  return connectSse(url, { token });
}
