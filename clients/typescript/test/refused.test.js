// Tokens that are refused, and servers that refuse or answer nonsense.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open } from '../dist/node.js';
import { Errors, eventOf, Fake, patience, pause, position, problem, until } from './fake.js';

test('a refused token is not sent again, and another one is taken at once', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  let valid = 'cfg_one_x';
  let token = valid;
  guard(fake, () => valid);
  const errors = new Errors();
  let asked = 0;
  let wake;
  const client = await open({ url: fake.url, pause, onError: errors.onError, token: async () => {
    asked++;
    if (asked > 20) {
      wake?.();
    }
    return token;
  } });
  t.after(() => client.close());
  const a = client.int('a', 0);
  valid = 'cfg_two_x';
  const often = new Promise((resolve) => {
    wake = resolve;
  });
  fake.cut();
  await errors.matching(/not valid/);
  await often;
  const sent = (secret) => fake.requests.filter(({ headers }) => headers.authorization === `Bearer ${secret}`);
  assert.ok(sent('cfg_one_x').length <= 4, `the refused token was sent ${sent('cfg_one_x').length} times`);
  assert.equal(a.get(), 1);
  assert.ok(client.stale());
  assert.equal(errors.all.filter(({ message }) => message === 'not valid').length, 1);
  await assert.rejects(client.apply({ changes: [] }), { code: 'UNAUTHENTICATED', outcomeUnknown: false });

  fake.set('a', '2');
  token = valid;
  await until(a, 2);
  assert.ok(sent('cfg_two_x').some(({ path }) => path === '/config'), 'another token may read other configs');
});

test('without another token a client stops, and keeps what it has', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  let valid = 'cfg_one_x';
  guard(fake, () => valid);
  const errors = new Errors();
  const client = await open({ url: fake.url, pause, onError: errors.onError, token: valid });
  t.after(() => client.close());
  const waits = assert.rejects(client.wait(position(9)), { code: 'UNAUTHENTICATED' });
  valid = undefined;
  fake.cut();
  await waits;
  assert.equal(client.int('a', 0).get(), 1);
  assert.ok(client.stale());
  assert.ok(fake.requests.length <= 5);
});

test('open rejects when the server refuses', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  guard(fake, () => 'other');
  await assert.rejects(open({ url: fake.url, token: 'cfg_one_x', pause }), { code: 'UNAUTHENTICATED', status: 401, temporary: false });
  fake.instead['/config'] = (_, response) => problem(response, 403, 'FORBIDDEN', 'no');
  await assert.rejects(open({ url: fake.url, pause }), { code: 'FORBIDDEN', status: 403 });
  await assert.rejects(open({ url: fake.url, pause, token: () => { throw new Error('no such file'); } }), /no such file/);
  const ended = new AbortController();
  ended.abort(new Error('enough'));
  await assert.rejects(open({ url: fake.url, pause, signal: ended.signal }), /enough/);
  fake.instead['/config'] = () => ending.abort(new Error('meanwhile'));
  const ending = new AbortController();
  await assert.rejects(open({ url: fake.url, pause, signal: ending.signal }), /meanwhile/);
  const waiting = new AbortController();
  await assert.rejects(open({ url: fake.url, pause, signal: waiting.signal, token: () => new Promise(() => waiting.abort(new Error('no token'))) }), /no token/);
  await assert.rejects(open({ url: 'no url' }), TypeError);
});

test('a token that never comes does not keep a client from its end', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  let asked;
  const again = new Promise((resolve) => {
    asked = resolve;
  });
  let times = 0;
  const client = await open({ url: fake.url, pause, token: () => {
    times++;
    return times < 3 ? 'cfg_one_x' : new Promise(asked);
  } });
  if (!fake.paths.includes('/events')) {
    await new Promise((resolve) => fake.on('request', (path) => path === '/events' && resolve()));
  }
  fake.cut();
  await again;
  await client.close();
});

test('no redirect is followed, so that no other server gets the token', patience, async (t) => {
  const [fake, other] = [await Fake.start(t), await Fake.start(t, { a: '1' })];
  fake.instead['/config'] = (_, response) => response.writeHead(307, { Location: `${other.url}/config` }).end();
  await assert.rejects(open({ url: fake.url, pause, token: 'cfg_one_x' }), { temporary: true });
  assert.deepEqual(other.requests, []);
});

const html = (status) => (_, response) => response.writeHead(status, { 'Content-Type': 'text/html' }).end('<html>SECRET');
const as = (type, body, headers = {}) => (_, response) => response.writeHead(200, { 'Content-Type': type, 'Config-Position': position(5), ...headers }).end(body);
const config = { name: 'a', value: 'SECRET', version: 1, position: position(1), updatedAt: '', actor: null, reason: null };
const lists = {
  'a page of a proxy': html(200),
  'an error of a proxy': html(502),
  'a page that was not found': html(404),
  'no JSON': as('application/json', '[{"name":"SECRET'),
  'no list': as('application/json', '{"a":"SECRET"}'),
  'null': as('application/json', 'null'),
  'a config without a value': as('application/json', JSON.stringify([{ ...config, value: 1 }])),
  'a config that is null': as('application/json', '[null]'),
  'a config without a position': as('application/json', JSON.stringify([{ ...config, position: 'SECRET' }])),
  'no position': as('application/json', JSON.stringify([config]), { 'Config-Position': '' }),
  'a redirect': (_, response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end(),
  'a cut': (_, response) => response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 }).write('[', () => response.destroy()),
  'nothing': (_, response) => response.destroy(),
};

for (const [name, answer] of Object.entries(lists)) {
  test(`a list that is none: ${name}`, patience, async (t) => {
    const fake = await Fake.start(t);
    fake.instead['/config'] = answer;
    await assert.rejects(open({ url: fake.url, pause }), (error) => {
      assert.equal(error.name, 'ConfigApiError');
      assert.equal(error.temporary, true);
      assert.doesNotMatch(`${error.message} ${error.stack} ${JSON.stringify(error)} ${error.cause}`, /SECRET/);
      return true;
    });
  });
}

const change = { name: 'a', operation: 'UPDATED', value: 'SECRET', position: position(9) };
const streams = {
  'a page': as('text/html', '<html>SECRET'),
  'JSON': as('application/json', '[]'),
  'the end at once': as('text/event-stream', ''),
  'no JSON': as('text/event-stream', 'event: changes\ndata: {"changes":SECRET\n\n'),
  'changes that are null': as('text/event-stream', 'event: changes\ndata: null\n\n'),
  'changes without a position': as('text/event-stream', eventOf({ changes: [change], position: undefined })),
  'changes that are no list': as('text/event-stream', eventOf({ changes: change, position: position(9) })),
  'a change without a name': as('text/event-stream', eventOf({ changes: [{ ...change, name: 1 }], position: position(9) })),
  'a change whose value is a number': as('text/event-stream', eventOf({ changes: [change, { ...change, value: 1 }], position: position(9) })),
  'an error that is no JSON': as('text/event-stream', 'event: error\ndata: SECRET\n\n'),
  'a redirect': (_, response) => response.writeHead(307, { Location: 'http://127.0.0.1:1/' }).end(),
};

for (const [name, answer] of Object.entries(streams)) {
  test(`a stream that is none: ${name}`, patience, async (t) => {
    const fake = await Fake.start(t, { a: '1' });
    const errors = new Errors();
    let tries = 0;
    fake.instead['/events'] = (...request) => {
      tries++;
      if (tries === 3) {
        delete fake.instead['/events'];
      }
      answer(...request);
    };
    const client = await open({ url: fake.url, pause, onError: errors.onError });
    t.after(() => client.close());
    const a = client.string('a', '');
    await errors.matching(/./);
    assert.equal(a.get(), '1');
    await client.wait(fake.set('a', '2'));
    assert.equal(a.get(), '2');
    assert.doesNotMatch(errors.all.map(({ message, stack }) => message + stack).join(), /SECRET/);
  });
}

test('a line without an end is left before it takes all memory', { timeout: 120_000 }, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  const errors = new Errors();
  const megabyte = Buffer.alloc(1 << 20, 'x');
  let sent = 0;
  fake.instead['/events'] = (_, response) => {
    delete fake.instead['/events'];
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: ');
    const more = () => {
      sent++;
      response.destroyed || response.write(megabyte, more);
    };
    more();
  };
  const client = await open({ url: fake.url, pause, onError: errors.onError });
  t.after(() => client.close());
  await errors.matching(/more than 67108864 characters/);
  assert.ok(sent < 200, `${sent} MiB were taken`);
  await client.wait(fake.set('a', '2'));
});

test('an answer that does not end is left', patience, async (t) => {
  const fake = await Fake.start(t);
  fake.instead['/config'] = (_, response) => response.writeHead(200, { 'Content-Type': 'application/json' }).write('[');
  await assert.rejects(open({ url: fake.url, pause, silence: 10 }), /it says nothing/);
  fake.instead['/config'] = () => {};
  await assert.rejects(open({ url: fake.url, pause, timeout: 10 }), /it says nothing/);
});

/** Has the fake server take one token alone. */
function guard(fake, valid) {
  for (const [path, answer] of [
    ['/config', (request, response) => fake.list(response, new URL(request.url, fake.url).searchParams.get('prefix') ?? '')],
    ['/events', (request, response) => fake.stream(response, Number.parseInt(new URL(request.url, fake.url).searchParams.get('after'), 10))],
  ]) {
    fake.instead[path] = (request, response) => {
      if (request.headers.authorization === `Bearer ${valid()}`) {
        answer(request, response);
      } else {
        problem(response, 401, 'UNAUTHENTICATED', 'not valid');
      }
    };
  }
}
