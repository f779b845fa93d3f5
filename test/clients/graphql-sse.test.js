// graphql-sse, in its "distinct connections" mode.

import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createClient } from 'graphql-sse';
import { resuming } from '../../examples/typescript/dist/resume.js';
import { basics, codedError } from './basics.js';
import { backOff, everyChangeOnce, watchChanges } from './resume.js';
import { patience } from './server.js';

test('graphql-sse: query, mutation, subscription', patience, async (t) => {
  await basics(t, (url) => {
    const client = open(url);
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
  await everyChangeOnce(t, (url, after, sink) => open(url).subscribe({ query: watchChanges, variables: { after } }, {
    next: ({ data, errors }) => (errors ? sink.error(codedError(errors)) : sink.next(data)),
    error: (reason) => sink.error(reason),
    complete: () => sink.error('complete'),
  }), { cuts: 20 });
});

function open(url) {
  return resuming(createClient({
    url: new URL('/graphql', url).href,
    retryAttempts: Infinity,
    retry: () => setTimeout(backOff),
  }));
}
