// The programs under examples/, as a person runs them.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { everyChangeOnce } from './resume.js';
import { patience, Server } from './server.js';

const go = process.env.CONFIGAPI_GO_EXAMPLE;
if (!go) {
  throw new Error('CONFIGAPI_GO_EXAMPLE must be the path of the program that examples/go builds');
}
const goClient = process.env.CONFIGAPI_GO_CLIENT_EXAMPLE;
if (!goClient) {
  throw new Error('CONFIGAPI_GO_CLIENT_EXAMPLE must be the path of the program that examples/go-client builds');
}
const typescript = fileURLToPath(new URL('../../examples/typescript/dist/main.js', import.meta.url));

const commands = { Go: [go], 'Go client': [goClient], TypeScript: [process.execPath, typescript] };

for (const [language, command] of Object.entries(commands)) {
  test(`the ${language} example sets, lists and deletes`, patience, async (t) => {
    const server = await Server.start(t);
    const run = async (...args) => (await runProgram(command, server, args)).stdout;

    const position = await run('set', 'a/b', '1');
    assert.match(position, server.token ? /^2-[0-9a-f]{8}\n$/ : /^1-[0-9a-f]{8}\n$/);
    await run('set', 'c', '');
    assert.equal(await run('list'), 'a/b = 1\nc = \n');
    assert.equal(await run('list', 'a'), 'a/b = 1\n');
    assert.match(await run('delete', 'a/b'), server.token ? /^4-/ : /^3-/);
    assert.equal(await run('list'), 'c = \n');
    await assert.rejects(run('set', 'a/b', '2'), { code: 1, stderr: /deleted/ });
    await assert.rejects(run('set', '../b', '2'), { code: 1, stderr: /segment/ });
    await assert.rejects(run(), { code: 1, stderr: /^list \[PREFIX\]/ });
  });

  if (language === 'Go client') {
    continue; // it prints what is different in newer snapshots, not each change
  }

  test(`the ${language} example watches: each change once, in order, through cuts and restarts`, patience, async (t) => {
    await everyChangeOnce(t, (url, after, sink, server) => watch(command, { url, tokenFile: server.tokenFile }, sink), { cuts: 20 });
  });
}

test('the Go example reads the past', patience, async (t) => {
  const server = await Server.start(t);
  const run = async (...args) => (await runProgram([go], server, args)).stdout;
  await server.set('a', '1');
  const { config } = await server.execute('{ config(name: "a") { updatedAt } }');
  await server.set('a', '2');
  assert.equal(await run('at', 'a', config.updatedAt), '1\n');
  await assert.rejects(run('at', 'a', '2020-01-01T00:00:00Z'), { code: 1, stderr: /did not exist/ });
});

test('the TypeScript example with GraphQL prints a history and watches', patience, async (t) => {
  const server = await Server.start(t);
  const graphql = [process.execPath, fileURLToPath(new URL('../../examples/typescript/dist/graphql.js', import.meta.url))];
  await server.set('a', '1');
  await server.set('a', '2');
  const { stdout } = await runProgram(graphql, server, ['history', 'a']);
  assert.deepEqual(stdout.trim().split('\n').map((line) => JSON.parse(line).value), ['2', '1']);
  await assert.rejects(runProgram(graphql, server, []), { code: 1, stderr: /^history NAME/ });

  const child = spawn(graphql[0], [graphql[1], 'watch', 'a'], { env: environment(server), stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill());
  const line = once(createInterface({ input: child.stdout }), 'line');
  let seen = false;
  line.then(() => {
    seen = true;
  });
  for (let i = 0; !seen; i++) { // it says nothing before a change
    await server.set('a', `${i}`);
  }
  assert.equal(JSON.parse((await line)[0]).name, 'a');
});

function runProgram([program, ...before], server, args) {
  return promisify(execFile)(program, [...before, ...args], { env: environment(server) });
}

function environment({ url, tokenFile }) {
  return { ...process.env, CONFIGAPI_URL: url, CONFIGAPI_TOKEN_FILE: tokenFile ?? '' };
}

/** Reads what watch prints: first the present state, then a line a change, with a value unless it was a deletion. */
async function watch([program, ...before], server, sink) {
  const child = spawn(program, [...before, 'watch'], { env: environment(server), stdio: ['ignore', 'pipe', 'inherit'] });
  child.on('exit', (code, signal) => sink.error(new Error(`the program ended with ${code ?? signal}`)));
  const lines = createInterface({ input: child.stdout });
  const [state] = await once(lines, 'line');
  assert.equal(state, 'before = ');
  lines.on('line', (line) => {
    const [, position, operation, name, value = null] = /^(\S+) (\S+) (\S+)(?: = (.*))?$/.exec(line);
    sink.next({ configChanges: { changes: [{ position, operation, name, value }] } });
  });
  return () => child.kill();
}
