// Change sets: one effect, and an error that says what is known.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../dist/node.js';
import { Fake, patience, pause, position, problem } from './fake.js';

const set = { changes: [{ set: { name: 'a', value: 'SECRET' } }] };
const done = (_, response) => response.writeHead(200, { 'Content-Type': 'application/json' })
  .end(JSON.stringify({ revisions: [], unchanged: ['a'], position: position(3), dryRun: false }));

async function opened(t, ...answers) {
  const fake = await Fake.start(t);
  const keys = [];
  fake.instead['/changes'] = (request, response) => {
    keys.push(request.headers['idempotency-key']);
    (answers.length > 1 ? answers.shift() : answers[0])(request, response);
  };
  const client = await open({ url: fake.url, pause });
  t.after(() => client.close());
  return { client, keys };
}

test('a set is sent again with its key until it has an answer', patience, async (t) => {
  const cut = (_, response) => response.destroy();
  const busy = (_, response) => problem(response, 503, 'UNAVAILABLE');
  const { client, keys } = await opened(t, cut, busy, cut, done);
  assert.equal((await client.apply(set)).position, position(3));
  assert.equal(keys.length, 4);
  assert.equal(new Set(keys).size, 1);
  assert.match(keys[0], /^[0-9a-f]{32}$/);
  await client.apply(set);
  await client.apply(set, { key: 'mine' });
  assert.notEqual(keys[4], keys[0]);
  assert.equal(keys[5], 'mine');
});

const rows = [
  ['a refusal', [(_, r) => problem(r, 409, 'STALE')], { code: 'STALE', outcomeUnknown: false }],
  ['no answer at all', [(_, r) => r.destroy()], { outcomeUnknown: true, temporary: true }],
  ['a server that is busy', [(_, r) => problem(r, 503, 'UNAVAILABLE')], { code: 'UNAVAILABLE', outcomeUnknown: false }],
  ['a fault of the server', [(_, r) => problem(r, 500, 'INTERNAL')], { code: 'INTERNAL', outcomeUnknown: true }],
  ['a refusal that does not depend on the first try', [(_, r) => r.destroy(), (_, r) => problem(r, 401, 'UNAUTHENTICATED')], { code: 'UNAUTHENTICATED', outcomeUnknown: true }],
  ['a refusal that shows that the first try did nothing', [(_, r) => r.destroy(), (_, r) => problem(r, 409, 'STALE')], { code: 'STALE', outcomeUnknown: false }],
  ['a page of a proxy', [(_, r) => r.writeHead(200, { 'Content-Type': 'text/html' }).end('x')], { outcomeUnknown: true }],
  ['an answer of something else', [(_, r) => r.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')], { outcomeUnknown: true }],
];

for (const [name, answers, wanted] of rows) {
  test(`what is known after ${name}`, patience, async (t) => {
    const { client, keys } = await opened(t, ...answers);
    await assert.rejects(client.apply(set), (error) => {
      assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((member) => [member, error[member]])), wanted);
      assert.equal(error.key, keys[0]);
      assert.doesNotMatch(error.message, /SECRET/);
      return true;
    });
  });
}

test('a refusal has all its reasons', patience, async (t) => {
  const { client } = await opened(t, (_, response) => response.writeHead(409, { 'Content-Type': 'application/problem+json', 'X-Request-Id': 'r1' })
    .end(JSON.stringify({ detail: 'nothing was written', code: 'STALE', errors: [{ code: 'STALE', message: 'm', path: ['changes', '0'] }] })));
  await assert.rejects(client.apply(set), { message: 'nothing was written', requestId: 'r1', failures: [{ code: 'STALE', message: 'm', path: ['changes', '0'] }] });
});

test('a signal ends it, with an unknown outcome', patience, async (t) => {
  const end = new AbortController();
  const { client } = await opened(t, () => end.abort());
  await assert.rejects(client.apply(set, { signal: end.signal }), { outcomeUnknown: true, message: /given up/ });
  await assert.rejects(client.apply({ ...set, dryRun: true }, { signal: end.signal }), { outcomeUnknown: false });
});
