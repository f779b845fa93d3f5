// The client and a real server: cuts, kills, tokens, large values. CONFIGAPI_SLOW_TESTS=1 cuts 1,000 times.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Proxy } from '../../../test/clients/proxy.js';
import { everyChangeOnce, Received } from '../../../test/clients/resume.js';
import { Server } from '../../../test/clients/server.js';
import { open } from '../dist/node.js';
import { Errors, pause, until } from './fake.js';

const patience = { timeout: 120_000 };
const cuts = process.env.CONFIGAPI_SLOW_TESTS ? 1000 : 20;

test(`each change once, in order, through ${cuts} cuts and two restarts`, { timeout: 600_000 }, async (t) => {
  await everyChangeOnce(t, async (url, after, sink, { token }) => {
    const client = await open({ url, token, pause });
    assert.equal(client.snapshot().lookup('before').value, '');
    client.watch((changes) => {
      if (!changes) {
        sink.error(new Error('all was read anew'));
        return;
      }
      sink.next({ configChanges: { changes } });
    });
    return () => client.close();
  }, { cuts });
});

test('a change set is seen whole, through cuts and kills, and what is acknowledged is there', patience, async (t) => {
  const server = await Server.start(t);
  const proxy = await Proxy.start(t, () => server.url);
  const { token } = server;
  const names = ['set/a', 'set/b', 'other/c'];
  const reader = await open({ url: proxy.url, token, pause, prefix: 'set' });
  const writer = await open({ url: proxy.url, token, pause });
  t.after(() => Promise.all([reader.close(), writer.close()]));
  const seen = [];
  reader.watch(() => {
    const snapshot = reader.snapshot();
    assert.equal(snapshot.lookup('other/c'), undefined);
    seen.push(names.slice(0, 2).map((name) => snapshot.lookup(name)?.value));
  });
  let wrong;
  reader.watch(() => {
    const [a, b] = seen.at(-1);
    wrong ??= a === b ? undefined : `a is ${a}, b is ${b}`;
  });
  let position;
  for (let i = 0; i < 60; i++) {
    if (i % 20 === 10) {
      await server.end('SIGKILL');
    }
    const applied = persistent(writer, { changes: names.map((name) => ({ set: { name, value: `${i}` } })), reason: 'a test' });
    if (i % 20 === 10) {
      await server.start();
    }
    if (i % 3 === 0) {
      await Promise.race([proxy.cutInMessage(i % 2 ? 'reset' : 'end'), applied.catch(() => {})]);
    }
    ({ position } = await applied);
  }
  await reader.wait(position);
  assert.equal(wrong, undefined);
  assert.deepEqual(seen.at(-1), ['59', '59']);
  const values = seen.map(([a]) => Number(a));
  assert.deepEqual(values, [...values].sort((a, b) => a - b), 'it went back');
  assert.equal(new Set(values).size, values.length, 'a change set came twice');
});

test('a program starts from its file while the server is down, and goes on when it is back', patience, async (t) => {
  const server = await Server.start(t);
  const folder = await mkdtemp(join(tmpdir(), 'configapi-client-'));
  t.after(() => rm(folder, { recursive: true }));
  const proxy = await Proxy.start(t, () => server.url);
  const options = { url: proxy.url, token: server.token, pause, file: join(folder, 'configs.json') };
  await server.set('a', '1');
  await (await open(options)).close();
  await server.end('SIGKILL');
  await assert.rejects(open({ ...options, file: undefined }), { temporary: true });
  const client = await open(options);
  t.after(() => client.close());
  const a = client.int('a', 0);
  assert.equal(a.get(), 1);
  assert.ok(client.stale());
  await server.start();
  await client.wait(await server.set('a', '2'));
  assert.equal(a.get(), 2);
});

test('grants that change, a token that is revoked and another one: it reads anew and drops what is gone', patience, async (t) => {
  const server = await Server.start(t, { closed: true });
  for (const [name, value] of [['a', '1'], ['b', '2'], ['c', '3']]) {
    await server.set(name, value);
  }
  let token = await makeToken(server, 'first', 'a', 'b');
  const errors = new Errors();
  const client = await open({ url: server.url, token: () => token, pause: () => 5, onError: errors.onError });
  t.after(() => client.close());
  const [a, b, c] = ['a', 'b', 'c'].map((name) => client.int(name, 0));
  assert.deepEqual([a.get(), b.get(), c.get()], [1, 2, 0]);

  await server.execute('mutation ($input: ChangeGrantsInput!) { changeGrants(input: $input) { __typename } }', { input: { name: 'first', grants: grants(['a', 'c']) } });
  await until(c, 3);
  assert.equal(b.get(), 0);

  await server.execute('mutation { revokeToken(input: { name: "first" }) { __typename } }');
  await errors.matching(/token/);
  assert.deepEqual([a.get(), c.get()], [1, 3]);
  await server.set('c', '4');
  token = await makeToken(server, 'second', 'c');
  await until(c, 4);
  assert.equal(a.get(), 0);
  assert.deepEqual(client.snapshot().all().map(({ name }) => name), ['c']);
  await assert.rejects(client.apply({ changes: [{ set: { name: 'c', value: '5' } }] }), { code: 'FORBIDDEN', outcomeUnknown: false });
});

test('values of 1 MiB', patience, async (t) => {
  const server = await Server.start(t);
  const client = await open({ url: server.url, token: server.token, pause });
  t.after(() => client.close());
  const value = (text) => text.repeat(2 ** 20).slice(0, 2 ** 20);
  const read = client.string('large', '');
  for (const text of ['x', '"', '\\', '\n']) {
    const { position } = await client.apply({ changes: [{ set: { name: 'large', value: value(text) } }] });
    await client.wait(position);
    assert.ok(read.get() === value(text));
  }
  const euros = '€'.repeat(349_525);
  await client.wait((await client.apply({ changes: [{ set: { name: 'large', value: euros } }] })).position);
  assert.ok(read.get() === euros);
  await assert.rejects(client.apply({ changes: [{ set: { name: 'large', value: `${value('x')}x` } }] }), { status: 413, outcomeUnknown: false });
  const again = await open({ url: server.url, token: server.token });
  assert.ok(again.string('large', '').get() === euros);
  await again.close();
});

test('a refused set, a dry run, and one that was seen by now', patience, async (t) => {
  const server = await Server.start(t);
  const client = await open({ url: server.url, token: server.token, pause });
  t.after(() => client.close());
  const changes = [{ set: { name: 'a', value: '1' } }];
  const dry = await client.apply({ changes, dryRun: true });
  assert.equal(dry.revisions[0].operation, 'CREATED');
  const { revisions, position } = await client.apply({ changes, asSeenAt: dry.position, reason: 'now' }, { key: 'the-same' });
  assert.deepEqual((await client.apply({ changes, asSeenAt: dry.position, reason: 'now' }, { key: 'the-same' })).position, position);
  await client.wait(position);
  assert.equal(client.snapshot().lookup('a').reason, 'now');
  assert.equal(revisions[0].version, 1);
  await assert.rejects(client.apply({ changes: [{ delete: { name: 'b' } }, { set: { name: 'a', value: '2', expectedVersion: 7 } }] }),
    ({ status, failures }) => status === 409 && failures.length === 2);
});

test('layers on a server that is written to', patience, async (t) => {
  const server = await Server.start(t);
  await server.set('base/a', '0');
  const writing = new AbortController();
  const writes = (async () => {
    for (let i = 1; !writing.signal.aborted; i++) {
      await server.set(`${['base', 'prod'][i % 2]}/a`, `${i}`);
    }
  })();
  for (let i = 0; i < 10; i++) {
    const client = await open({ url: server.url, token: server.token, pause, layers: ['base', 'prod'] });
    const seen = new Received();
    client.watch((changes) => seen.next({ configChanges: { changes } }));
    await seen.more();
    assert.equal(client.snapshot().all().length, 1);
    await client.close();
  }
  writing.abort();
  await writes;
});

/** Applies a set for as long as it takes, with one key. */
async function persistent(client, set) {
  for (let key; ;) {
    try {
      return await client.apply(set, { key });
    } catch (error) {
      if (!error.temporary) {
        throw error;
      }
      ({ key } = error);
    }
  }
}

function grants(prefixes) {
  return prefixes.map((prefix) => ({ actions: ['READ'], prefix }));
}

async function makeToken(server, name, ...prefixes) {
  const { createToken } = await server.execute('mutation ($input: CreateTokenInput!) { createToken(input: $input) { ... on TokenIssued { secret } } }',
    { input: { name, grants: grants(prefixes) } });
  return createToken.secret;
}
