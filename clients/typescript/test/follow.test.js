// How a client follows a server: each change set once and whole, whatever happens to the connection.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { open } from '../dist/node.js';
import { sleep } from '../dist/pause.js';
import { Server } from '../dist/server.js';
import { Errors, eventOf, Fake, patience, pause, position, problem, until } from './fake.js';

test('a stream that is cut at every byte goes on with each change set once and whole', patience, async (t) => {
  const fake = await Fake.start(t, { a: '0', b: '0' });
  const sets = 3;
  let cut = 0;
  fake.instead['/events'] = (request, response) => {
    const after = Number.parseInt(new URL(request.url, fake.url).searchParams.get('after'), 10);
    const bytes = Buffer.from(fake.after(after));
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    if (cut < bytes.length) {
      response.write(bytes.subarray(0, cut), () => response.destroy());
    } else {
      response.write(bytes);
    }
    cut++;
  };
  for (let round = 0; round < 2; round++) { // the second time with texts of several bytes
    cut = 0;
    const client = await open({ url: fake.url, pause });
    const seen = [];
    client.watch((changes) => {
      const snapshot = client.snapshot();
      assert.equal(snapshot.lookup('a').value, snapshot.lookup('b').value);
      seen.push(...changes.map(({ name, value }) => `${name}=${value}`));
    });
    const wanted = [];
    for (let i = 0; i < sets; i++) {
      const value = `${round ? '€😀' : ''}${i}`;
      fake.apply({ a: value, b: value });
      wanted.push(`a=${value}`, `b=${value}`);
    }
    await client.wait(fake.position);
    assert.deepEqual(seen, wanted);
    await client.close();
  }
});

test('a change set in pieces of one byte arrives once', patience, async (t) => {
  const fake = await Fake.start(t, { a: '0' });
  const client = await open({ url: fake.url, pause });
  t.after(() => client.close());
  let calls = 0;
  client.watch(() => calls++);
  const at = position(2);
  const bytes = Buffer.from(eventOf({ changes: [{ name: 'a', operation: 'UPDATED', value: '€', position: at }], position: at, caughtUp: true }));
  await streaming(fake);
  for (const byte of bytes) {
    fake.write(Buffer.of(byte));
    await setImmediate();
  }
  await client.wait(at);
  assert.equal(client.string('a', '').get(), '€');
  fake.write(bytes); // a change set that came before
  await client.wait(fake.set('b', '1') && fake.set('b', '2'));
  assert.equal(calls, 2);
});

test('a server that says nothing more is left', patience, async (t) => {
  const fake = await Fake.start(t, { a: '0' });
  const errors = new Errors();
  const client = await open({ url: fake.url, pause, silence: 20, onError: errors.onError });
  t.after(() => client.close());
  await errors.matching(/it says nothing/);
  assert.ok(client.stale() instanceof Date);
  await client.wait(fake.set('a', '1')); // the next connection has it
});

test('a server that is lost is reported once, and tried again with growing pauses', patience, async (t) => {
  const fake = await Fake.start(t, { a: '0' });
  const errors = new Errors();
  const tries = [];
  const client = await open({ url: fake.url, pause: (n) => tries.push(n) && 1, onError: errors.onError });
  t.after(() => client.close());
  await streaming(fake);
  assert.equal(client.stale(), undefined);
  let refusals = 0;
  fake.instead['/events'] = (_, response) => {
    refusals++;
    if (refusals === 5) {
      delete fake.instead['/events'];
    }
    problem(response, 503, 'UNAVAILABLE', 'starting');
  };
  fake.cut();
  await errors.matching(/starting/);
  assert.ok(client.stale() instanceof Date);
  const at = fake.set('a', '1');
  await client.wait(at);
  assert.deepEqual(tries, [0, 1, 2, 3, 4, 5]);
  assert.equal(errors.all.filter(({ message }) => message === 'starting').length, 1);
  assert.equal(client.stale(), undefined);
  fake.cut();
  await client.wait(fake.set('a', '2'));
  assert.deepEqual(tries.slice(6), [0]);
});

test('Retry-After is waited for, but not for ever', patience, async (t) => {
  const fake = await Fake.start(t);
  const server = new Server(fake.url, 1000, 1000);
  for (const [header, wanted] of [['2', 2000], ['1000000000', 60_000], ['soon', 0], ['-5', 0]]) {
    fake.instead['/config'] = (_, response) => problem(response, 429, 'RATE_LIMITED', 'slower', { 'Retry-After': header });
    await assert.rejects(server.list('', undefined, undefined, undefined, new AbortController().signal), (error) => Math.max(error.retryAfter, 0) === wanted);
  }
  const end = new AbortController();
  const slept = sleep(60_000, end.signal);
  end.abort();
  await slept;
});

test('a history that was replaced is read anew, said to be another one, and nobody waits for the old one', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1', b: '1' });
  const errors = new Errors();
  const client = await open({ url: fake.url, pause, onError: errors.onError });
  t.after(() => client.close());
  await streaming(fake);
  const [a, b] = [client.int('a', 0), client.int('b', 0)];
  const waits = assert.rejects(client.wait(position(7)), { code: 'POSITION_UNKNOWN' });
  fake.configs.delete('b');
  fake.configs.get('a').value = '9';
  fake.position = position(1);
  fake.history = [];
  fake.instead['/events'] = (request, response) => {
    delete fake.instead['/events'];
    problem(response, 400, 'POSITION_UNKNOWN');
  };
  fake.cut();
  await until(a, 9);
  assert.deepEqual([b.get(), client.position], [0, position(1)]);
  await errors.matching(/history is another one/);
  await waits;
});

test('what it may read has changed: it reads anew, drops what is gone, and does not go back', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1', b: '1' });
  const client = await open({ url: fake.url, pause });
  t.after(() => client.close());
  await streaming(fake);
  const [a, b] = [client.int('a', 0), client.int('b', 0)];
  const anew = new Promise((resolve) => client.watch((changes) => changes ?? resolve(client.snapshot().all().map(({ name }) => name))));
  fake.configs.delete('b');
  fake.configs.get('a').value = '2';
  fake.write(`event: error\ndata: ${JSON.stringify({ detail: 'changed', code: 'FORBIDDEN' })}\n\n`);
  await until(b, 0);
  assert.deepEqual(await anew, ['a']);
  assert.equal(a.get(), 2);
  assert.deepEqual(fake.requests.filter(({ path }) => path === '/config').map(({ headers }) => headers['config-at-least']), [undefined, position(2)]);
});

test('a value that was erased is read anew', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  const client = await open({ url: fake.url, pause });
  t.after(() => client.close());
  await streaming(fake);
  const a = client.int('a', 0);
  const seen = [];
  a.watch((present) => seen.push(present));
  fake.position = position(3);
  fake.configs.get('a').value = '3';
  fake.write(eventOf({ changes: [{ name: 'a', operation: 'UPDATED', value: null, erased: true, position: position(2) }], position: position(2), caughtUp: false }));
  await until(a, 3);
  assert.deepEqual(seen, [3]);
});

test('a list of layers that changes while it is read is of one position', patience, async (t) => {
  const fake = await Fake.start(t, { 'base/a': '1', 'prod/a': '1' });
  fake.instead['/config'] = (request, response) => {
    const { searchParams } = new URL(request.url, fake.url);
    if (searchParams.get('prefix') === 'base') {
      fake.list(response, 'base');
      fake.set('prod/a', '2');
    } else if (searchParams.has('at')) {
      assert.equal(searchParams.get('at'), position(2));
      response.writeHead(200, { 'Content-Type': 'application/json', 'Config-Position': position(2) })
        .end(JSON.stringify([{ ...fake.configs.get('prod/a'), value: '1' }]));
    } else {
      fake.list(response, 'prod');
    }
  };
  const client = await open({ url: fake.url, layers: ['base', 'prod'], pause });
  t.after(() => client.close());
  assert.equal(client.position, position(2));
  const a = client.int('a', 0);
  assert.equal(a.get(), 1);
  await client.wait(position(3));
  assert.equal(a.get(), 2);
});

/** Waits until a stream was begun, so that what is written reaches the client. */
async function streaming(fake) {
  if (!fake.paths.includes('/events')) {
    await new Promise((resolve) => fake.on('request', (path) => path === '/events' && resolve()));
  }
}
