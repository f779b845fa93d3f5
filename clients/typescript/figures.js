// Prints the figures of docs/figures.md: sizes, the start without the server, and what a read costs. `npm run figures`, after the build.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from './dist/node.js';
import { sizeOf } from './size.js';

const names = 10_000;
const rounds = 21;

for (const entry of ['index', 'graphql']) {
  const { minified, gzipped } = await sizeOf(entry);
  console.log(`${entry}: ${minified} bytes minified, ${gzipped} gzipped`);
}

/** A server that has the configs and says no more, as far as the client can see. */
const configs = JSON.stringify(Array.from({ length: names }, (_, i) => ({
  name: `service/${i}/setting`, value: 'x'.repeat(64), version: 1, position: '1-0000000a', updatedAt: '2026-11-22T22:35:41.731604Z', actor: null, reason: null,
})));
const server = createServer((request, response) => {
  if (request.url.startsWith('/config')) {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Config-Position': '1-0000000a' }).end(configs);
  } else {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('event: changes\ndata: {"changes":[],"position":"1-0000000a","caughtUp":true}\n\n');
  }
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;
const folder = await mkdtemp(join(tmpdir(), 'configapi-figures-'));
const file = join(folder, 'configs.json');

/** The median and the worst duration of a start, in milliseconds. */
async function starts() {
  const durations = [];
  for (let i = 0; i < rounds; i++) {
    const began = performance.now();
    const client = await open({ url, file });
    durations.push(performance.now() - began);
    await client.close();
  }
  durations.sort((a, b) => a - b);
  return `${durations[rounds >> 1].toFixed(1)} ms, at worst ${durations.at(-1).toFixed(1)} ms`;
}

console.log(`start with ${names} configs, from the server: ${await starts()}`);

const client = await open({ url });
const value = client.int('service/1/retries', 3);
const reads = 100_000_000;
let sum = 0;
const began = performance.now();
for (let i = 0; i < reads; i++) {
  sum += value.get();
}
console.log(`get(): ${((performance.now() - began) * 1e6 / reads).toFixed(2)} ns (${sum === 3 * reads})`);
await client.close();

server.close();
server.closeAllConnections();
await once(server, 'close');
console.log(`start with ${names} configs, nothing listens, from the file: ${await starts()}`);
await rm(folder, { recursive: true });
