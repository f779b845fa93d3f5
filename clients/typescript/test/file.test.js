// What is kept for a start without the server.

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { open as openInBrowser } from '../dist/index.js';
import { open } from '../dist/node.js';
import { Keeper } from '../dist/keeper.js';
import { decode, encode } from '../dist/saved.js';
import { Errors, Fake, patience, pause, position, problem, until } from './fake.js';

/** A file in a folder of its own. */
async function fileOf(t) {
  const folder = await mkdtemp(join(tmpdir(), 'configapi-client-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'configs.json');
}

/** A server that has been followed once with a file, and is not there any more: it answers 503. */
async function kept(t, configs, options = {}) {
  const file = await fileOf(t);
  const fake = await Fake.start(t, configs);
  await (await open({ url: fake.url, pause, file, ...options })).close();
  fake.instead['/config'] = (_, response) => problem(response, 503, 'UNAVAILABLE', 'down');
  return { fake, file };
}

test('it starts from its file while the server is unavailable, says so, and takes what is new later', patience, async (t) => {
  const { fake, file } = await kept(t, { a: '1', b: '€' });
  const { mode } = await stat(file);
  assert.equal(mode & 0o777, 0o600);
  const errors = new Errors();
  const before = Date.now();
  const client = await open({ url: fake.url, pause, file, onError: errors.onError });
  t.after(() => client.close());
  const a = client.int('a', 0);
  assert.deepEqual([a.get(), client.string('b', '').get(), client.position], [1, '€', position(2)]);
  assert.ok(client.stale() <= before);
  await errors.matching(/down/);
  fake.set('a', '2');
  delete fake.instead['/config'];
  await until(a, 2);
  await client.wait(fake.set('a', '3'));
  assert.equal(client.stale(), undefined);
  await client.close();
  assert.match(await readFile(file, 'utf8'), /"value":"3"/);
});

test('it starts when nothing listens any more', patience, async (t) => {
  const file = await fileOf(t);
  const fake = await Fake.start(t, { a: '1' });
  const { url } = fake;
  await (await open({ url, pause, file })).close();
  fake.instead['/config'] = (_, response) => response.destroy();
  await (await open({ url, pause, file })).close();
  await fake.stop();
  await assert.rejects(open({ url, pause }), { temporary: true });
  const client = await open({ url, pause, file });
  assert.equal(client.int('a', 0).get(), 1);
  await client.close();
});

test('it does not start from its file after 401 or 403', patience, async (t) => {
  const { fake, file } = await kept(t, { a: '1' });
  for (const [status, code] of [[401, 'UNAUTHENTICATED'], [403, 'FORBIDDEN']]) {
    fake.instead['/config'] = (_, response) => problem(response, status, code);
    await assert.rejects(open({ url: fake.url, pause, file }), { code });
    fake.instead['/config'] = (_, response) => response.writeHead(status).end('no');
    await assert.rejects(open({ url: fake.url, pause, file }), { status });
  }
});

test('a file that is cut at any byte is refused, with an error and without a value', patience, async (t) => {
  const { fake, file } = await kept(t, { a: 'SECRET€' });
  const whole = await readFile(file);
  for (let i = 0; i < whole.length; i++) {
    await writeFile(file, whole.subarray(0, i));
    const errors = new Errors();
    await assert.rejects(open({ url: fake.url, pause, file, onError: errors.onError }), /down/);
    assert.match(errors.all[0].message, /damaged/);
    assert.doesNotMatch(errors.all[0].message, /SECRET/);
  }
  for (const wrong of ['null', '[]', '{}', '{"format":1}', '{"format":2}', JSON.stringify({ ...JSON.parse(whole), configs: [null] }), JSON.stringify({ ...JSON.parse(whole), writtenAt: 'x' })]) {
    await writeFile(file, wrong);
    await assert.rejects(open({ url: fake.url, pause, file }), /down/, wrong);
  }
  await writeFile(file, whole);
  await (await open({ url: fake.url, pause, file })).close();
});

test('a file of another server, prefix or token is refused', patience, async (t) => {
  const { fake, file } = await kept(t, { a: '1' }, { token: 'cfg_one_x', prefix: 'a/' });
  const options = { url: fake.url, token: 'cfg_one_x', prefix: 'a' };
  await (await open({ ...options, pause, file })).close();
  for (const [other, wanted] of [
    [{ url: `${fake.url}/below` }, /another url/],
    [{ prefix: 'b' }, /another prefix/],
    [{ prefix: undefined, layers: ['a'] }, /another prefix/],
    [{ token: 'cfg_two_x' }, /another token/],
    [{ token: undefined }, /another token/],
  ]) {
    const errors = new Errors();
    await assert.rejects(open({ ...options, ...other, pause, file, onError: errors.onError }));
    await errors.matching(wanted);
  }
  assert.doesNotMatch(await readFile(file, 'utf8'), /cfg_one_x/);
});

test('what is older than maxStale, or of an unknown age, is refused', () => {
  const owner = { url: 'u', scope: '""', token: null };
  const saved = (age) => encode(owner, { writtenAt: Date.now() - age, position: position(1), configs: [] });
  assert.equal(decode(saved(1000), owner, 60_000).position, position(1));
  assert.equal(decode(saved(-10_000), owner, 60_000).position, position(1));
  assert.throws(() => decode(saved(61_000), owner, 60_000), /too old/);
  assert.throws(() => decode(saved(-3_600_000), owner, 60_000), /future/);
  assert.equal(decode(saved(1e12), owner, Infinity).position, position(1));
  assert.equal(decode(saved(-3_600_000), owner, Infinity).position, position(1));
});

test('a file that cannot be read or written is reported, and is no reason to stop', patience, async (t) => {
  const folder = join(await fileOf(t), '..');
  const fake = await Fake.start(t, { a: '1' });
  const errors = new Errors();
  const client = await open({ url: fake.url, pause, file: folder, onError: errors.onError });
  await errors.matching(/reading what was kept/);
  await client.close();
  await errors.matching(/keeping the configs/);
  assert.deepEqual(await readdir(folder), []);
});

test('what lies where the new file is written is not followed', patience, async (t) => {
  const file = await fileOf(t);
  const other = `${file}.other`;
  await writeFile(other, 'mine');
  await symlink(other, `${file}.${process.pid}.tmp`);
  const fake = await Fake.start(t, { a: '1' });
  await (await open({ url: fake.url, pause, file })).close();
  assert.equal(await readFile(other, 'utf8'), 'mine');
  assert.match(await readFile(file, 'utf8'), /"a"/);
});

test('a storage is written at most once a second, and has the last state', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  const written = [];
  const storage = { getItem: () => null, setItem: (key, text) => written.push([key, text]) };
  const client = await openInBrowser({ url: fake.url, pause, storage });
  for (let i = 2; i < 100; i++) {
    await client.wait(fake.set('a', `${i}`));
  }
  await client.close();
  const began = Number(fake.history.length); // 99 change sets, far more than seconds
  assert.ok(written.length < began / 2, `${written.length} writes of ${began} change sets`);
  assert.equal(written.at(-1)[0], `configapi ${fake.url} ""`);
  assert.equal(JSON.parse(written.at(-1)[1]).configs[0].value, '99');
});

test('a keeper writes when its second is over, and what has changed meanwhile once', async (t) => {
  let now = 5000;
  const timers = [];
  t.mock.method(performance, 'now', () => now);
  t.mock.method(globalThis, 'setTimeout', (call, duration) => timers.push({ call, at: now + duration }));
  const written = [];
  let position = '1-0000000a';
  const keeper = new Keeper({ setItem: (_, text) => written.push(JSON.parse(text).position) }, () => ({}), () => ({ position, configs: [] }), assert.fail);
  const fire = async () => {
    const { call, at } = timers.shift();
    now = at;
    call();
    await setImmediate();
  };
  keeper.change();
  await fire();
  assert.deepEqual([written, now], [['1-0000000a'], 5000]);
  for (let i = 2; i < 5; i++) {
    position = `${i}-0000000a`;
    keeper.change();
  }
  assert.equal(timers.length, 1);
  await fire();
  assert.deepEqual([written, now], [['1-0000000a', '4-0000000a'], 6000]);
  keeper.confirm();
  assert.equal(timers.length, 0);
  now += 60_001;
  keeper.confirm();
  assert.equal(timers.length, 1);
  await keeper.close();
  assert.equal(written.length, 3);
});

test('in browsers nothing is kept unless a storage is handed in, and a file is refused', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  await assert.rejects(openInBrowser({ url: fake.url, file: 'x' }), /give a storage/);
  await assert.rejects(open({ url: fake.url, file: 'x', storage: {} }), /either/);
  const items = new Map();
  const storage = { getItem: async (key) => items.get(key), setItem: async (key, text) => items.set(key, text) };
  await (await openInBrowser({ url: fake.url, pause, storage })).close();
  fake.instead['/config'] = (_, response) => problem(response, 429, 'RATE_LIMITED');
  const client = await openInBrowser({ url: fake.url, pause, storage });
  assert.equal(client.int('a', 0).get(), 1);
  await client.close();
});

test('what was kept of a history that is no more is replaced', patience, async (t) => {
  const { fake, file } = await kept(t, { a: '1', b: '1' });
  fake.configs.delete('b');
  fake.instead['/config'] = (request, response) => {
    if (request.headers['config-at-least']) {
      problem(response, 400, 'POSITION_UNKNOWN');
    } else {
      fake.list(response, '');
    }
  };
  const errors = new Errors();
  const client = await open({ url: fake.url, pause, file, onError: errors.onError });
  await errors.matching(/history is another one/);
  assert.deepEqual(client.snapshot().all().map(({ name }) => name), ['a']);
  await client.close();
});
