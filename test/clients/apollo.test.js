// Apollo Client, with a split link: queries and mutations over HTTP, subscriptions over a
// websocket.

import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { buildSchema, isAbstractType } from 'graphql';
import { WebSocket } from 'ws';
import { basics, codedError } from './basics.js';
import { connect } from './live.js';
import { everyChangeOnce, watchChanges } from './resume.js';
import { patience } from './server.js';

globalThis.WebSocket ??= WebSocket; // which Apollo's link looks at when a subscription fails; Node has it from version 22 on

// Without it the cache drops what stands in fragments on interfaces, such as `... on UserError`.
const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
const possibleTypes = Object.fromEntries(Object.values(schema.getTypeMap()).filter(isAbstractType)
  .map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]));

test('Apollo Client: query, mutation, subscription', patience, async (t) => {
  await basics(t, (server) => {
    const client = open(server.url, server);
    const data = async (result) => (await result.catch((error) => Promise.reject(coded(error)))).data;
    return {
      query: (document, variables) => data(client.query({ query: gql(document), variables })),
      mutate: (document, variables) => data(client.mutate({ mutation: gql(document), variables })),
      subscribe: (document, variables, sink) => subscribe(client, document, variables, sink),
      close: () => client.stop(),
    };
  });
});

test('Apollo Client: each change once, in order, through cuts and restarts', patience, async (t) => {
  await everyChangeOnce(t, (url, after, sink, server) => subscribe(open(url, server), watchChanges, { after }, sink), { cuts: 20 });
});

function open(url, { authorization: headers, tokenSource: token }) {
  const link = ApolloLink.split(
    ({ operationType }) => operationType === 'subscription',
    new GraphQLWsLink(connect(url, { token })),
    new HttpLink({ uri: new URL('/graphql', url).href, headers }),
  );
  return new ApolloClient({ link, cache: new InMemoryCache({ possibleTypes }) });
}

function subscribe(client, document, variables, sink) {
  const subscription = client.subscribe({ query: gql(document), variables, fetchPolicy: 'no-cache' }).subscribe({
    next: ({ data, error }) => (error ? sink.error(coded(error)) : sink.next(data)),
    error: (error) => sink.error(coded(error)),
    complete: () => sink.error(new Error('complete')),
  });
  return () => subscription.unsubscribe();
}

function coded(error) {
  return CombinedGraphQLErrors.is(error) ? codedError(error.errors) : error;
}
