// The client of clients/typescript in a page, of the server's origin and of another one.
//
//   CONFIGAPI_URL=http://127.0.0.1:4000 CONFIGAPI_CLOSED_URL=http://127.0.0.1:4001 CONFIGAPI_TOKEN=cfg_… npm test
//
// The token may do everything. Both servers allow http://page.localhost as an origin. The test changes
// configs below client/.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch } from './playground.js';

const { CONFIGAPI_URL: openUrl, CONFIGAPI_CLOSED_URL: closedUrl, CONFIGAPI_TOKEN: token } = process.env;
const patience = { timeout: 120_000 };

let browser;

before(async () => {
  assert.ok(openUrl && closedUrl && token, 'CONFIGAPI_URL, CONFIGAPI_CLOSED_URL and CONFIGAPI_TOKEN must be given');
  browser = await launch();
});

after(() => browser?.close());

for (const [what, origin, url, secret] of [
  ['of the server', openUrl, openUrl, undefined],
  ['of another origin, with a token', 'http://page.localhost', closedUrl, token],
]) {
  test(`a page ${what}: values, 1,000 components, no network for a while, a change set`, patience, async (t) => {
    await set(url, secret, { 'client/a': '1' });
    const { context, page, problems } = await visit(t, origin);
    await page.evaluate(async ([address, bearer]) => {
      const { open } = await import('/client-test/index.js');
      globalThis.errors = [];
      globalThis.configs = await open({ url: address, token: bearer, prefix: 'client', pause: () => 10, onError: ({ message }) => globalThis.errors.push(message) });
      globalThis.a = globalThis.configs.int('client/a', 0);
      globalThis.components = Array.from({ length: 1000 }, () => globalThis.configs.int('client/a', 0));
      globalThis.drawn = [];
      globalThis.components.forEach((value, i) => value.watch((present) => {
        globalThis.drawn[i] = present;
      }));
    }, [url, secret]);
    assert.equal(await page.evaluate(() => globalThis.a.get()), 1);

    await set(url, secret, { 'client/a': '2' });
    await page.waitForFunction(() => globalThis.drawn.length === 1000 && globalThis.drawn.every((value) => value === 2));

    await context.setOffline(true);
    await page.evaluate(async () => {
      const { open } = await import('/client-test/index.js');
      globalThis.refusal = await open({ url: location.origin }).catch(({ name, temporary }) => `${name} ${temporary}`);
    });
    assert.equal(await page.evaluate(() => globalThis.refusal), 'ConfigApiError true');
    await context.setOffline(false);

    const applied = await page.evaluate(async () => {
      const { position } = await globalThis.configs.apply({ changes: [{ set: { name: 'client/a', value: '3' } }, { set: { name: 'client/b', value: '€' } }], reason: 'ünïcode' });
      await globalThis.configs.wait(position);
      return [globalThis.a.get(), globalThis.configs.snapshot().lookup('client/b').value, globalThis.configs.stale()];
    });
    assert.deepEqual(applied, [3, '€', undefined]);

    const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
    assert.equal(kept, '[{},{},""]');
    await page.evaluate(() => globalThis.configs.close());
    await set(url, secret, { 'client/a': '4' });
    assert.equal(await page.evaluate(() => globalThis.a.get()), 3);
    assert.deepEqual(problems, []);
  });
}

test('a page that keeps its configs starts while the server cannot be reached, and follows later', patience, async (t) => {
  await set(openUrl, undefined, { 'client/a': '1' });
  const { context, page } = await visit(t, openUrl);
  await page.evaluate(async (address) => {
    const { open } = await import('/client-test/index.js');
    const configs = await open({ url: address, prefix: 'client', storage: localStorage });
    await configs.close();
    await import('/client-test/keeper.js');
  }, openUrl);
  await context.setOffline(true);
  const started = await page.evaluate(async (address) => {
    const { open } = await import('/client-test/index.js');
    globalThis.configs = await open({ url: address, prefix: 'client', storage: localStorage, pause: () => 10 });
    globalThis.a = globalThis.configs.int('client/a', 0);
    return [globalThis.a.get(), globalThis.configs.stale() instanceof Date];
  }, openUrl);
  assert.deepEqual(started, [1, true]);
  await set(openUrl, undefined, { 'client/a': '5' });
  await context.setOffline(false);
  await page.waitForFunction(() => globalThis.a.get() === 5 && globalThis.configs.stale() === undefined);
});

test('a page of a foreign origin gets an error', patience, async (t) => {
  const { page } = await visit(t, 'http://foreign.localhost');
  const refusal = await page.evaluate(async (address) => {
    const { open } = await import('/client-test/index.js');
    return open({ url: address }).catch(({ name, message }) => `${name}: ${message}`);
  }, openUrl);
  assert.match(refusal, /^ConfigApiError: reaching http/);
});

/** An empty page of an origin, which has the client below /client-test/. */
async function visit(t, address) {
  const { origin } = new URL(address); // a server may be below a path
  // A page that the test answers for counts as one of the internet, which must ask before it sends to this machine.
  const context = await browser.newContext({ permissions: ['local-network-access'] });
  t.after(() => context.close());
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(`page: ${error}`));
  await context.route(`${origin}/client-test/**`, async (route) => {
    const { pathname } = new URL(route.request().url());
    const file = pathname.slice('/client-test/'.length);
    await route.fulfill(file === '' ? { contentType: 'text/html', body: '<!doctype html><title>client</title>' } : {
      contentType: 'text/javascript',
      body: await readFile(new URL(`../../clients/typescript/dist/${file}`, import.meta.url)),
    });
  });
  await page.goto(`${origin}/client-test/`);
  return { context, page, problems };
}

/** Gives configs values, as another program does. */
async function set(url, secret, values) {
  const response = await fetch(`${url}/changes`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...secret && { Authorization: `Bearer ${secret}` } },
    body: JSON.stringify({ changes: Object.entries(values).map(([name, value]) => ({ set: { name, value } })) }),
  });
  assert.equal(response.status, 200, await response.text());
}
