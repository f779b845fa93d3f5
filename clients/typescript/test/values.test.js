// Values, watchers and snapshots, as a program sees them.

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import { open } from '../dist/node.js';
import { Errors, Fake, patience, pause, until } from './fake.js';

/** A client of a fake server. */
export async function opened(t, configs, options = {}) {
  const fake = await Fake.start(t, configs);
  const errors = new Errors();
  const client = await open({ url: fake.url, pause, onError: errors.onError, ...options });
  t.after(() => client.close());
  return { fake, client, errors };
}

test('a value is the default, the newest, or the last one that could be read', patience, async (t) => {
  const { fake, client, errors } = await opened(t, { 'payments/retries': '3' });
  const retries = client.int('payments/retries', 5, { min: 0, max: 9 });
  const timeout = client.duration('payments/timeout', 1000);
  assert.deepEqual([retries.get(), timeout.get()], [3, 1000]);

  const seen = [];
  retries.watch((present, before) => seen.push([present, before]));
  await client.wait(fake.apply({ 'payments/retries': '4', 'payments/timeout': '30s' }));
  assert.deepEqual([retries.get(), timeout.get()], [4, 30_000]);
  await client.wait(fake.apply({ 'payments/retries': 'SECRET', 'payments/timeout': 'SECRET' }));
  assert.deepEqual([retries.get(), timeout.get()], [4, 30_000]);
  await client.wait(fake.set('payments/retries', '99'));
  await client.wait(fake.set('payments/retries', '4'));
  await client.wait(fake.set('payments/retries', null));
  assert.equal(retries.get(), 5);
  assert.deepEqual(seen, [[4, 3], [5, 4]]);
  assert.deepEqual(errors.all.map(({ message }) => message), [
    'the value of payments/retries must be an integer from 0 to 9; what it was before stays',
    'the value of payments/timeout must be a duration such as 30s or 1h30m; what it was before stays',
    'the value of payments/retries must be an integer from 0 to 9; what it was before stays',
  ]);
});

test('json is checked by the caller, and a value made late has the newest', patience, async (t) => {
  const { fake, client } = await opened(t, { limits: '{"a":1}' });
  const limits = client.json('limits', { a: 0 }, (value) => {
    if (typeof value?.a !== 'number') {
      throw new Error('an object with a number a');
    }
    return value;
  });
  assert.deepEqual(limits.get(), { a: 1 });
  await client.wait(fake.set('limits', '[]'));
  assert.deepEqual(limits.get(), { a: 1 });
  assert.deepEqual(client.json('limits', null).get(), []);
  assert.equal(client.bool('limits', true).get(), true);
  assert.equal(client.float('limits', 1.5).get(), 1.5);
  assert.equal(client.string('limits', '').get(), '[]');
});

test('all values change before a watcher is called, and one that throws stops no other', patience, async (t) => {
  const { fake, client, errors } = await opened(t, { a: '1', b: '1' });
  const [a, b] = [client.int('a', 0), client.int('b', 0)];
  const seen = [];
  a.watch(() => { throw new Error('mine'); });
  const stop = a.watch((present) => seen.push(['a', present, b.get(), client.snapshot().lookup('b').value]));
  b.watch((present) => seen.push(['b', present, a.get(), client.position]));
  client.watch((changes) => seen.push(changes.map(({ name }) => name)));
  const at = fake.apply({ a: '2', b: '2' });
  await client.wait(at);
  assert.deepEqual(seen, [['a', 2, 2, '2'], ['b', 2, 2, at], ['a', 'b']]);
  assert.equal((await errors.matching(/a watcher has thrown/)).cause.message, 'mine');
  stop();
  await client.wait(fake.set('a', '3'));
  assert.equal(seen.length, 4);
});

test('a watcher that is stopped by another one is not called', patience, async (t) => {
  const { fake, client } = await opened(t, { a: '1' });
  const a = client.int('a', 0);
  let called = 0;
  a.watch(() => stop());
  const stop = a.watch(() => called++);
  await client.wait(fake.set('a', '2'));
  assert.equal(called, 0);
});

test('a snapshot never changes', patience, async (t) => {
  const { fake, client } = await opened(t, { b: '1', a: '1' });
  const before = client.snapshot();
  const { position } = client;
  assert.equal(client.snapshot(), before);
  await client.wait(fake.apply({ a: '2', c: '1', b: null }));
  const values = (snapshot) => snapshot.all().map(({ name, value }) => `${name}=${value}`);
  assert.deepEqual(values(before), ['a=1', 'b=1']);
  assert.deepEqual([before.position, before.lookup('c')], [position, undefined]);
  assert.deepEqual(values(client.snapshot()), ['a=2', 'c=1']);
  assert.deepEqual(client.snapshot().lookup('a'), {
    name: 'a', value: '2', version: 2, position: client.position, updatedAt: '2026-11-22T22:35:41.731604Z', actor: null, reason: null,
  });
});

test('of layers the later wins, at each position', patience, async (t) => {
  const { fake, client } = await opened(t, { 'base/a': '1', 'base/b': '1', 'prod/a': '2', 'other/a': '9' }, { layers: ['base/', 'prod', 'prod/eu'] });
  const a = client.int('a', 0);
  assert.equal(a.get(), 2);
  assert.deepEqual(client.snapshot().all().map(({ name, value, layer }) => [name, value, layer]), [['a', '2', 'prod'], ['b', '1', 'base']]);
  await client.wait(fake.set('prod/eu/a', '3'));
  assert.equal(a.get(), 3);
  assert.equal(client.int('eu/a', 0).get(), 3);
  await client.wait(fake.apply({ 'prod/eu/a': null, 'prod/a': null }));
  assert.equal(a.get(), 1);
  await client.wait(fake.set('other/a', '7'));
  assert.equal(client.snapshot().all().length, 2);
  for (const wrong of [{ layers: [] }, { layers: ['a', '/'] }, { layers: ['a'], prefix: 'b' }]) {
    await assert.rejects(open({ url: fake.url, ...wrong }), TypeError);
  }
});

test('layers that share segments are read and followed below those', patience, async (t) => {
  const { fake } = await opened(t, { 'app/base/a': '1', 'app/prod/a': '2' }, { layers: ['app/base', 'app/prod'] });
  if (!fake.paths.includes('/events')) {
    await new Promise((resolve) => fake.on('request', (path) => path === '/events' && resolve()));
  }
  assert.deepEqual(fake.requests.map(({ path, search }) => `${path} ${search.get('prefix')}`), ['/config app/base', '/config app/prod', '/events app']);
});

test('a page with 1,000 components that watch', patience, async (t) => {
  const { fake, client } = await opened(t, Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`c/${i}`, '0'])));
  const seen = new Array(1000).fill(0);
  const stops = seen.map((_, i) => client.int(`c/${i % 100}`, -1).watch((present) => {
    seen[i] = present;
  }));
  await client.wait(fake.apply(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`c/${i}`, '1']))));
  assert.ok(seen.every((value) => value === 1));
  stops.forEach((stop) => stop());
  await client.wait(fake.set('c/1', '2'));
  assert.ok(seen.every((value) => value === 1));
});

test('values that nobody has any more are collected, those that are watched are not', patience, async (t) => {
  const { fake, client } = await opened(t, { a: '1' });
  let collected = 0;
  const registry = new FinalizationRegistry(() => collected++);
  let called = 0;
  client.int('a', 0).watch(() => called++);
  for (let i = 0; i < 1000; i++) {
    const value = client.int('a', 0);
    value.watch(() => called++)();
    registry.register(value);
  }
  while (collected < 999) { // one may be on the stack
    globalThis.gc();
    await setImmediate();
  }
  await client.wait(fake.set('a', '2'));
  assert.equal(called, 1);
});

test('wait ends with its position, its signal and the client', patience, async (t) => {
  const { fake, client } = await opened(t, { a: '1' });
  await client.wait(client.position);
  await assert.rejects(client.wait('nonsense'), /no position/);
  const end = new AbortController();
  const waits = client.wait('1000-00000000', { signal: end.signal });
  end.abort(new Error('enough'));
  await assert.rejects(waits, /enough/);
  await assert.rejects(client.wait('1000-00000000', { signal: end.signal }), /enough/);
  const other = client.wait('1000-00000000');
  const a = client.int('a', 0);
  fake.set('a', '2');
  await until(a, 2);
  await client.close();
  await assert.rejects(other, /closed/);
  await assert.rejects(client.wait('1000-00000000'), /closed/);
  await assert.rejects(client.apply({ changes: [] }), /given up/);
  assert.equal(a.get(), 2);
});
