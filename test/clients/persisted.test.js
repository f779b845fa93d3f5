// Clients of persisted queries, which the server does not keep: they fall back to sending their
// documents.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { Client, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { documents } from './basics.js';
import { patience, Server } from './server.js';

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

const clients = {
  Apollo(uri, fetch) {
    const link = new PersistedQueryLink({ sha256 }).concat(new HttpLink({ uri, fetch }));
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    return async (variables) => (await client.query({ query: gql(documents.config), variables })).data;
  },
  urql(url, fetch) {
    const exchanges = [persistedExchange({ preferGetForPersistedQueries: false, generateHash: async (text) => sha256(text) }), fetchExchange];
    const client = new Client({ url, fetch, preferGetMethod: false, exchanges });
    return async (variables) => {
      const { data, error } = await client.query(documents.config, variables).toPromise();
      assert.equal(error, undefined);
      return data;
    };
  },
};

for (const [name, open] of Object.entries(clients)) {
  test(`${name}: a document that was sent as a hash is sent whole`, patience, async (t) => {
    const server = await Server.start(t);
    const sent = [];
    const query = open(new URL('/graphql', server.url).href, (url, options) => {
      sent.push(JSON.parse(options.body));
      return fetch(url, { ...options, headers: { ...options.headers, ...server.authorization } });
    });
    for (const variables of [{ name: 'a' }, { name: 'b' }]) {
      assert.deepEqual(await query(variables), { config: null });
    }
    assert.equal(sent[0].query, undefined);
    assert.equal(sent[0].extensions.persistedQuery.version, 1);
    assert.equal(sent.filter(({ query: text }) => text).length, 2);
    assert.equal(sent.length, 3, 'the second query is sent whole at once');
  });
}
