// urql, with its subscription exchange on the client of @configapi/client/graphql.

import { test } from 'node:test';
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { basics, codedError } from './basics.js';
import { connect } from './live.js';
import { everyChangeOnce, watchChanges } from './resume.js';
import { patience } from './server.js';

test('urql: query, mutation, subscription', patience, async (t) => {
  await basics(t, (server) => {
    const client = open(server.url, server);
    const data = async (result) => {
      const { data: found, error } = await result;
      if (error) {
        throw coded(error);
      }
      return found;
    };
    return {
      query: (document, variables) => data(client.query(document, variables).toPromise()),
      mutate: (document, variables) => data(client.mutation(document, variables).toPromise()),
      subscribe: (document, variables, sink) => subscribe(client, document, variables, sink),
      close() {},
    };
  });
});

test('urql: each change once, in order, through cuts and restarts', patience, async (t) => {
  await everyChangeOnce(t, (url, after, sink, server) => subscribe(open(url, server), watchChanges, { after }, sink), { cuts: 20 });
});

function open(url, { authorization: headers, tokenSource: token }) {
  const socket = connect(url, { token });
  return new Client({
    url: new URL('/graphql', url).href,
    preferGetMethod: false,
    fetchOptions: { headers },
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
}

function subscribe(client, document, variables, sink) {
  const subscription = client.subscription(document, variables).subscribe(({ data, error }) => {
    if (error) {
      sink.error(coded(error));
    } else {
      sink.next(data);
    }
  });
  return () => subscription.unsubscribe();
}

function coded(error) {
  return error.graphQLErrors.length > 0 ? codedError(error.graphQLErrors) : error;
}
