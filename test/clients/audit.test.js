// GraphQL over HTTP, as npm's graphql-http understands its specification.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditServer } from 'graphql-http';
import { patience, Server } from './server.js';

test('all 61 audits of GraphQL over HTTP pass, those that are only recommended too', patience, async (t) => {
  const server = await Server.start(t);
  const results = await auditServer({
    url: new URL('/graphql', server.url).href,
    fetchFn: (url, options) => fetch(url, { ...options, headers: { ...options?.headers, ...server.authorization } }),
  });
  const failed = results.filter(({ status }) => status !== 'ok');
  assert.deepEqual(failed.map(({ id, name, status, reason }) => `${id} ${status}: ${name}: ${reason}`), []);
  assert.equal(results.length, 61);
});
