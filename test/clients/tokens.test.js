// Clients whose token is refused, is revoked, or may do something else by now.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect, connectSse } from './live.js';
import { Proxy } from './proxy.js';
import { watchChanges } from './resume.js';
import { patience, Server } from './server.js';

const examples = fileURLToPath(new URL('../../examples/typescript/', import.meta.url));
const commands = {
  Go: [process.env.CONFIGAPI_GO_EXAMPLE],
  'Go client': [process.env.CONFIGAPI_GO_CLIENT_EXAMPLE],
  TypeScript: [process.execPath, `${examples}dist/main.js`],
};

for (const [language, [program, ...before]] of Object.entries(commands)) {
  test(`the ${language} example says that its token is refused, and ends`, patience, async (t) => {
    const server = await Server.start(t, { closed: true });
    const run = (...args) => promisify(execFile)(program, [...before, ...args], { env: environment(server) });
    assert.equal((await run('list')).stdout, '');
    await writeFile(server.tokenFile, wrong(server.token));
    for (const command of [['list'], ['set', 'a', '1'], ['watch']]) {
      await assert.rejects(run(...command), { code: 1, stderr: /token/ });
    }
  });
}

test('the TypeScript example reads anew what it may read, drops the rest, and goes on with another token', patience, async (t) => {
  const server = await Server.start(t, { closed: true });
  await server.set('a', '1');
  await server.set('b', '2');
  await server.set('c', '3');
  const first = await makeToken(server, 'first', 'a', 'b');
  await writeFile(server.tokenFile, first);
  const [program, ...before] = commands.TypeScript;
  const child = spawn(program, [...before, 'watch'], { env: environment(server), stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill());
  const complaints = createInterface({ input: child.stderr })[Symbol.asyncIterator]();
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const printed = async (...wanted) => {
    for (const line of wanted) {
      assert.match((await lines.next()).value, line);
    }
  };
  await printed(/^a = 1$/, /^b = 2$/);
  await server.set('b', '4');
  await printed(/ UPDATED b = 4$/);

  await changeGrants(server, 'first', 'a', 'c');
  await printed(/^- b$/, /^c = 3$/);
  await server.set('c', '5');
  await printed(/ UPDATED c = 5$/);

  await writeFile(server.tokenFile, await makeToken(server, 'second', 'c'));
  await revoke(server, 'first');
  await printed(/^- a$/);
  await server.set('c', '6');
  await printed(/ UPDATED c = 6$/);

  await revoke(server, 'second');
  for (let line = ''; !/token/.test(line);) {
    line = (await complaints.next()).value;
  }
  await server.set('c', '7');
  await writeFile(server.tokenFile, await makeToken(server, 'third', 'c'));
  await printed(/^c = 7$/);
});

test('graphql-ws does not come back with a token that was revoked', patience, async (t) => {
  const { server, proxy, token } = await behindProxy(t);
  const ended = watched(connect(proxy.url, { token }), () => revoke(server, 'first'));
  await assert.rejects(ended, { code: 4403, reason: 'revoked' });
  assert.equal(proxy.connections, 1);
});

test('graphql-sse does not come back with a token that was revoked', patience, async (t) => {
  const { server, proxy, token } = await behindProxy(t);
  const ended = watched(connectSse(proxy.url, { token }), () => revoke(server, 'first'));
  await assert.rejects(ended, ([error]) => error.extensions.code === 'UNAUTHENTICATED');
  const again = watched(connectSse(proxy.url, { token }), () => assert.fail('the token was revoked'));
  await assert.rejects(again, /the server refuses the token/);
});

test('graphql-codegen makes the same of what a closed server shows as of the schema', patience, async (t) => {
  const server = await Server.start(t, { closed: true });
  const generate = () => promisify(execFile)(`${examples}node_modules/.bin/graphql-codegen`, ['--config', 'codegen.ts', '--check'], {
    cwd: examples,
    env: environment(server),
  });
  await generate();
  await writeFile(server.tokenFile, wrong(server.token));
  await assert.rejects(generate(), ({ stdout, stderr }) => /token is not valid|mistyped/.test(stdout + stderr));
});

function environment({ url, tokenFile }) {
  return { ...process.env, CONFIGAPI_URL: url, CONFIGAPI_TOKEN_FILE: tokenFile };
}

/** A closed server, a proxy that leads to it, and a token that may read everything. */
async function behindProxy(t) {
  const server = await Server.start(t, { closed: true });
  const proxy = await Proxy.start(t, () => server.url);
  const secret = await makeToken(server, 'first', '');
  return { server, proxy, token: async () => secret };
}

/** Subscribes, calls then after the first message, and waits for the end. */
function watched(client, then) {
  return new Promise((complete, error) => {
    client.subscribe({ query: watchChanges }, {
      next: ({ errors }) => (errors ? error(errors) : Promise.resolve(then()).catch(error)),
      error,
      complete,
    });
  });
}

/** Another token of the same form. */
function wrong(token) {
  return token.slice(0, -1) + (token.endsWith('0') ? '1' : '0');
}

async function makeToken(server, name, ...prefixes) {
  const { createToken } = await server.execute(`mutation ($input: CreateTokenInput!) {
    createToken(input: $input) { ... on TokenIssued { secret } }
  }`, { input: { name, grants: grants(prefixes) } });
  return createToken.secret;
}

async function changeGrants(server, name, ...prefixes) {
  await server.execute(`mutation ($input: ChangeGrantsInput!) {
    changeGrants(input: $input) { ... on TokenChanged { token { name } } }
  }`, { input: { name, grants: grants(prefixes) } });
}

async function revoke(server, name) {
  await server.execute('mutation ($name: String!) { revokeToken(input: { name: $name }) { __typename } }', { name });
}

function grants(prefixes) {
  return prefixes.map((prefix) => ({ actions: ['READ'], prefix }));
}
