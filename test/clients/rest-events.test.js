// REST's event stream, as the example reads it.

import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { events } from '../../examples/typescript/dist/events.js';
import { backOff, everyChangeOnce } from './resume.js';
import { patience } from './server.js';

test('GET /events by fetch: each change once, in order, through cuts and restarts', patience, async (t) => {
  await everyChangeOnce(t, (url, after, sink, { tokenSource: token }) => {
    const end = new AbortController();
    const stream = events(url, { after, signal: end.signal }, { token, retryWait: () => setTimeout(backOff) });
    (async () => {
      for await (const { changes } of stream) {
        sink.next({ configChanges: { changes: changes.map(({ position, operation, name, value }) => ({ position, operation, name, value })) } });
      }
    })().catch((reason) => sink.error(reason));
    return () => end.abort();
  }, { cuts: 20 });
});
