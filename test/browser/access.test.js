// The playground of a server that asks for a token, in a real browser.
//
//   CONFIGAPI_CLOSED_URL=http://127.0.0.1:4000 CONFIGAPI_TOKEN=cfg_… npm test
//
// The token may do everything. The test makes and revokes others, and changes configs below
// payments/.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { forgive, launch, newBrowserSession, visitPlayground } from './playground.js';

const { CONFIGAPI_CLOSED_URL: url, CONFIGAPI_TOKEN: admin } = process.env;

let browser;

before(async () => {
  assert.ok(url && admin, 'CONFIGAPI_CLOSED_URL must name a running server, CONFIGAPI_TOKEN be a token that may do everything');
  browser = await launch();
});

after(() => browser?.close());

test('it asks for a token, works with one, and keeps it in the page alone', async (t) => {
  const { playground, problems, context } = await visit(t);
  const { page } = playground;
  await playground.noted('This server asks for a token');
  forgive(problems, 401);

  await playground.enterToken(admin);
  await playground.ready();
  assert.equal((await playground.run('SetConfig')).data.setConfig.__typename, 'ConfigChanged');
  assert.equal((await playground.run('ReadConfig')).data.config.value, '30s');
  assert.equal((await playground.run('Viewer')).data.viewer.name, 'admin');
  await playground.run('WatchChanges');
  await execute(admin, 'mutation { setConfig(input: { name: "payments/timeout", value: "live" }) { __typename } }');
  assert.equal((await playground.answer('"live"')).data.configChanges.changes.at(-1).value, 'live');
  await playground.play(); // which now means stop
  await playground.stopped();

  await playground.edit('query Later { bounds { head } }');
  await playground.stored('query Later');
  await playground.play();
  await playground.answer('"head"');
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state]));
  assert.match(kept, /query Later/);
  assert.doesNotMatch(kept, /cfg_/);
  assert.deepEqual(await context.cookies(), []);

  assert.equal(await page.getByLabel('Token').getAttribute('type'), 'password');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  assert.equal(await page.getByLabel('Token').getAttribute('type'), 'text');

  await page.reload();
  await playground.noted('This server asks for a token');
  forgive(problems, 401);
  assert.equal(await page.getByLabel('Token').inputValue(), '');
  assert.deepEqual(problems, []);
});

test('a token that is refused is said to be, and is not sent again', async (t) => {
  const { playground, problems } = await visit(t);
  await playground.noted('This server asks for a token');
  let sent = 0;
  playground.page.on('request', (request) => {
    sent += request.headers().authorization === undefined ? 0 : 1;
  });
  const wrong = `${admin.slice(0, -1)}${admin.endsWith('0') ? '1' : '0'}`;
  await playground.enterToken(wrong);
  await playground.noted('The server refuses this token');
  assert.equal(sent, 1);
  await playground.play();
  assert.match((await playground.answer('refuses')).errors[0].message, /^The server refuses this token/);
  assert.equal(sent, 1);

  await playground.enterToken('tökén');
  await playground.noted('letters, digits and _ alone');
  assert.equal(sent, 1);

  forgive(problems, 401);
  await playground.enterToken(admin);
  await playground.ready();
  assert.ok((await playground.run('Bounds')).data.bounds.head);
  assert.deepEqual(problems, []);
});

test('a revoked token ends its stream, and is not sent again', async (t) => {
  const { playground, problems } = await visit(t);
  const { name, secret } = await makeToken('READ');
  await playground.enterToken(secret);
  await playground.ready();
  forgive(problems, 401);
  await playground.run('WatchChanges');
  const opened = [];
  playground.page.on('websocket', (socket) => opened.push(socket.url()));
  playground.page.on('request', (request) => opened.push(request.url()));

  await execute(admin, `mutation { revokeToken(input: { name: "${name}" }) { __typename } }`);
  await playground.answer('"errors"');
  await playground.noted('The server refuses this token');
  await playground.play();
  assert.match((await playground.answer('refuses')).errors[0].message, /^The server refuses this token/);
  assert.deepEqual(opened, []);
  assert.deepEqual(problems, []);
});

test('a token whose grants have changed stays, and the next play is answered', async (t) => {
  const { context, problems } = await newBrowserSession(browser, t);
  let connections = 0;
  await context.routeWebSocket(/graphql/, (socket) => {
    connections++;
    socket.onMessage((text) => {
      const { id, type } = JSON.parse(text);
      if (type === 'connection_init') {
        socket.send(JSON.stringify({ type: 'connection_ack' }));
      } else if (type === 'subscribe' && connections === 1) {
        socket.close({ code: 4403, reason: 'changed' });
      } else if (type === 'subscribe') {
        socket.send(JSON.stringify({ id, type: 'next', payload: { data: { config: { value: 'anew' } } } }));
      }
    });
  });
  const playground = await visitPlayground(context, url, problems);
  await playground.enterToken(admin);
  await playground.ready();
  forgive(problems, 401);
  await playground.select('WatchConfig');
  await playground.play();
  await playground.noted('What the token may do has changed');
  await playground.stopped();
  assert.equal(connections, 1);
  await playground.play();
  await playground.answer('"anew"');
  assert.deepEqual(problems, []);
});

/** The playground without a token, in a browser without a past. */
async function visit(t) {
  const { context, problems } = await newBrowserSession(browser, t);
  return { context, problems, playground: await visitPlayground(context, url, problems) };
}

/** Makes a token with a new name. */
async function makeToken(actions) {
  const name = `browser-${randomUUID()}`;
  const { createToken } = await execute(admin, `mutation {
    createToken(input: { name: "${name}", grants: [{ actions: [${actions}], prefix: "" }] }) { ... on TokenIssued { secret } }
  }`);
  return { name, secret: createToken.secret };
}

async function execute(token, query) {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined);
  return data;
}
