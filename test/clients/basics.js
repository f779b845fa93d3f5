// What every client must be able to do before connections are cut: a query, a mutation, a
// subscription, and their failures.

import assert from 'node:assert/strict';
import { Server } from './server.js';

// Some clients add __typename everywhere; with it in all of them the results are the same.
export const documents = {
  config: `query Config($name: ConfigName!) {
    config(name: $name) { __typename name value version }
  }`,
  set: `mutation Set($input: SetConfigInput!) {
    setConfig(input: $input) {
      __typename
      ... on ConfigChanged { config { __typename name value version } position }
      ... on UserError { code path }
    }
  }`,
  changes: `subscription Changes($filter: ConfigFilterInput, $after: Position) {
    configChanges(filter: $filter, after: $after) {
      __typename
      changes { __typename name operation value }
      position
    }
  }`,
};

/**
 * Takes a client through them. open(server) gives { query, mutate, subscribe, close }: query and mutate take a document and
 * variables and return data, or throw an error with the code of the first GraphQL error as its code; subscribe also takes
 * a sink with next(data) and error(error), and returns a function that ends the subscription.
 */
export async function basics(t, open) {
  const server = await Server.start(t);
  const client = await open(server);
  t.after(() => client.close());

  const stream = subscribe(client, { filter: { prefix: 'a' } });
  const first = await stream.next();
  assert.deepEqual(first.configChanges.changes, []);

  const value = 'ünïcode "1"\n';
  const config = { __typename: 'Config', name: 'a/b', value, version: 1 };
  const { setConfig } = await client.mutate(documents.set, { input: { name: 'a/b', value } });
  assert.deepEqual(setConfig, { __typename: 'ConfigChanged', config, position: setConfig.position });
  assert.deepEqual((await client.query(documents.config, { name: 'a/b' })).config, config);
  assert.equal((await client.query(documents.config, { name: 'b' })).config, null);

  const { configChanges } = await stream.next();
  assert.deepEqual(configChanges, {
    __typename: 'ConfigChangeBatch',
    changes: [{ __typename: 'ConfigRevision', name: 'a/b', operation: 'CREATED', value }],
    position: setConfig.position,
  });
  stream.end();

  const again = subscribe(client, { after: first.configChanges.position });
  assert.deepEqual((await again.next()).configChanges, configChanges);
  again.end();

  const refused = await client.mutate(documents.set, { input: { name: '../b', value: '' } });
  assert.deepEqual(refused.setConfig, { __typename: 'InvalidInputError', code: 'INVALID_INPUT', path: ['name'] });
  await assert.rejects(client.query(documents.config, { name: '..' }), { code: 'INVALID_INPUT' });
  await assert.rejects(subscribe(client, { after: '1-00000000' }).next(), { code: 'POSITION_UNKNOWN' });
}

/** The code of the first of a result's GraphQL errors, as an error. */
export function codedError(errors) {
  return Object.assign(new Error(errors[0].message), { code: errors[0].extensions?.code });
}

/** A subscription to documents.changes whose messages are taken one by one. */
function subscribe(client, variables) {
  const messages = [];
  let wake = () => {};
  const add = (message) => {
    messages.push(message);
    wake();
  };
  const end = client.subscribe(documents.changes, variables, {
    next: (data) => add({ data }),
    error: (error) => add({ error }),
  });
  return {
    end,
    async next() {
      while (messages.length === 0) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
      const { data, error } = messages.shift();
      if (error) {
        throw error;
      }
      return data;
    },
  };
}
