// What is left after close: nothing.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { open } from '../dist/node.js';
import { Fake, patience, pause, problem } from './fake.js';

const dist = fileURLToPath(new URL('../dist/node.js', import.meta.url));

/** Runs a program that has open, URL and FILE, and returns what it prints. It fails unless the program ends by itself. */
async function run(url, file, program) {
  const source = `
    import { open } from ${JSON.stringify(dist)};
    const [URL, FILE] = ${JSON.stringify([url, file])};
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    ${program}`;
  return (await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], { timeout: 30_000 })).stdout;
}

test('a program ends by itself after close', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  const file = `${(await import('node:os')).tmpdir()}/configapi-leak-${process.pid}`;
  t.after(async () => (await import('node:fs/promises')).rm(file, { force: true }));
  assert.equal(await run(fake.url, file, `
    const client = await open({ url: URL, file: FILE });
    const a = client.int('a', 0);
    a.watch(() => {});
    client.watch(() => {});
    client.wait('1000-00000000').catch(() => {});
    await client.close();
    console.log(a.get(), timers());`), '1 0\n');
  assert.equal(await run(fake.url, file, `
    const client = await open({ url: URL });
    await Promise.all([client.close(), client.close()]);
    await client.close();
    console.log(timers());`), '0\n');
});

test('a program ends by itself when it is closed between two tries, or could not begin', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  fake.instead['/events'] = (_, response) => problem(response, 503, 'UNAVAILABLE');
  assert.equal(await run(fake.url, undefined, `
    let lost;
    const reported = new Promise((resolve) => { lost = resolve; });
    const client = await open({ url: URL, pause: () => 1e6, onError: lost });
    await reported;
    await client.close();
    console.log(timers());`), '0\n');
  await fake.stop();
  assert.equal(await run(fake.url, undefined, `
    await open({ url: URL }).catch(({ message }) => console.log(message, timers()));`), `reaching ${fake.url}: connect ECONNREFUSED ${new URL(fake.url).host} 0\n`);
});

test('no listener is left on a signal', patience, async (t) => {
  const fake = await Fake.start(t, { a: '1' });
  const { signal } = new AbortController();
  const client = await open({ url: fake.url, pause, signal });
  for (let i = 0; i < 20; i++) {
    fake.cut();
    await client.wait(fake.set('a', `${i}`), { signal });
  }
  await client.apply({ changes: [] }, { signal }).catch(() => {});
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
  await client.close();
});
