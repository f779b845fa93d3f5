// graphql-ws, with what @configapi/client/graphql makes of its client.

import { test } from 'node:test';
import { basics, codedError } from './basics.js';
import { connect } from './live.js';
import { Proxy } from './proxy.js';
import { everyChangeOnce, Received, watchChanges } from './resume.js';
import { patience, Server } from './server.js';

test('graphql-ws: query, mutation, subscription', patience, async (t) => {
  await basics(t, ({ url, tokenSource: token }) => {
    const client = connect(url, { token });
    const subscribe = (query, variables, sink) => client.subscribe({ query, variables }, {
      next: ({ data, errors }) => (errors ? sink.error(codedError(errors)) : sink.next(data)),
      error: (reason) => sink.error(codedError(reason)),
      complete() {},
    });
    const execute = (query, variables) => new Promise((next, error) => subscribe(query, variables, { next, error }));
    return { query: execute, mutate: execute, subscribe, close: () => client.dispose() };
  });
});

test('graphql-ws: each change once, in order, through 100 cuts and two restarts', patience, async (t) => {
  await everyChangeOnce(t, (url, after, sink, { tokenSource: token }) => watch(connect(url, { token }), after, sink), { cuts: 100 });
});

test('graphql-ws: a server that says nothing any more is left, and what it kept back comes over the next connection', patience, async (t) => {
  const server = await Server.start(t);
  const proxy = await Proxy.start(t, () => server.url);
  const received = new Received();
  t.after(watch(connect(proxy.url, { token: server.tokenSource, silence: 500 }), (await server.head()), received));
  await received.reaches(await server.set('a', '1')); // it may come before the answer to the write

  proxy.freeze();
  const last = await server.set('a', '2');
  await received.reaches(last);
});

function watch(client, after, sink) {
  return client.subscribe({ query: watchChanges, variables: { after } }, {
    next: ({ data }) => sink.next(data),
    error: (reason) => sink.error(reason),
    complete: () => sink.error('complete'),
  });
}
