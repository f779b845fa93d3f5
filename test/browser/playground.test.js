// The playground of a running server, in a real browser.
//
//   CONFIGAPI_URL=http://127.0.0.1:4000 npm test
//
// CHROMIUM is the browser's path, /usr/bin/chromium when unset. SCREENSHOT names a file for a
// picture of a change that has arrived. The server's store may hold anything; the test changes
// configs below payments/ and features/.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, newBrowserSession, openPlayground } from './playground.js';

const url = process.env.CONFIGAPI_URL;
const name = 'payments/timeout';

let browser;

before(async () => {
  assert.ok(url, 'CONFIGAPI_URL must name a running server, as in CONFIGAPI_URL=http://127.0.0.1:4000 npm test');
  browser = await launch();
  // An earlier run may have been stopped between deletion and restoration.
  await post(`mutation { restoreConfig(input: { name: "${name}" }) { __typename } }`);
});

after(() => browser?.close());

test('it opens with the schema, its documentation and the examples, from this server alone', async (t) => {
  const { context, problems } = await newBrowserSession(browser, t);
  const playground = await openPlayground(context, url, problems);
  const { page } = playground;

  assert.equal(await page.title(), 'ConfigApi playground');
  const examples = await shippedExamples(page);
  assert.deepEqual(await playground.titles(), examples.map((example) => example.name));
  for (const example of examples) {
    await playground.select(example.name);
    assert.equal(await playground.query(), example.query);
    assert.equal(await playground.variables(), example.variables ?? '');
    assert.equal(await playground.complaints(), 0, `${example.name} is underlined`);
  }
  await playground.edit('query Wrong { nothing }');
  assert.notEqual(await playground.complaints(), 0);

  await page.getByLabel('Show Documentation Explorer').click();
  await page.getByRole('link', { name: 'Mutation', exact: true }).click();
  await page.getByText('Gives a config a value.').waitFor();
  await page.getByLabel('Show History').click();
  for (const dialog of ['settings', 'short keys']) {
    await page.getByLabel(`Open ${dialog} dialog`).click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  assert.deepEqual(problems, []);
});

test('every example gives something sensible, in the order of the tabs', async (t) => {
  const { context, problems } = await newBrowserSession(browser, t);
  const playground = await openPlayground(context, url, problems);
  for (const example of await shippedExamples(playground.page)) {
    const answer = await playground.run(example.name);
    assert.equal(answer.errors, undefined, `${example.name}: ${JSON.stringify(answer)}`);
    // The first token would close the server, so that example does nothing until a variable says so.
    assert.equal(Object.keys(answer.data).length === 0, example.name === 'ManageTokens', example.name);
  }
  const answers = {};
  for (const title of ['SetConfig', 'ReadConfig', 'ListConfigs', 'History', 'StateAtTime', 'DeleteConfig', 'RestoreConfig', 'FetchNode']) {
    answers[title] = (await playground.run(title)).data;
  }
  assert.equal(answers.SetConfig.setConfig.__typename, 'ConfigChanged');
  assert.equal(answers.ReadConfig.config.value, '30s');
  assert.ok(answers.ListConfigs.configs.totalCount >= 3);
  assert.equal(answers.History.history.nodes[0].value, '30s');
  assert.ok(answers.StateAtTime.asOf.configs.nodes.some((revision) => revision.name === name));
  assert.equal(answers.DeleteConfig.deleteConfig.__typename, 'ConfigChanged');
  assert.equal(answers.RestoreConfig.restoreConfig.config.value, '30s');
  assert.equal(answers.FetchNode.node.__typename, 'Config');
  assert.deepEqual(problems, []);
});

test('a change made in one page arrives live in the others', async (t) => {
  const { context, problems } = await newBrowserSession(browser, t);
  const [one, all, writer] = [
    await openPlayground(context, url, problems),
    await openPlayground(context, url, problems),
    await openPlayground(context, url, problems),
  ];
  // Each stream says something at once, so what is written from here on it has to show.
  await one.run('WatchConfig');
  await all.run('WatchChanges');

  await writer.select('SetConfig');
  const value = `${process.hrtime.bigint() % 1_000_000n}ms`;
  await writer.edit((await writer.query()).replace('"30s"', `"${value}"`));
  await writer.play();
  assert.equal((await writer.answer(value)).data.setConfig.config.value, value);
  const { changes } = (await all.answer(value)).data.configChanges;
  assert.equal(changes.at(-1).name, name);
  assert.equal(changes.at(-1).operation, 'UPDATED');
  assert.equal((await one.answer(value)).data.config.value, value);
  if (process.env.SCREENSHOT) {
    await all.page.bringToFront();
    await all.page.screenshot({ path: process.env.SCREENSHOT });
  }

  await one.play(); // which now means stop
  await one.stopped();
  assert.ok((await all.run('Bounds')).data.bounds.head);
  assert.deepEqual(problems, []);
});

test('a message without changes leaves the last change on the screen', async (t) => {
  const { context, problems } = await newBrowserSession(browser, t);
  const streamed = [[], [{ name: 'first' }], [], [{ name: 'second' }], []];
  await context.routeWebSocket(/graphql/, (socket) => socket.onMessage((text) => {
    const { id, type } = JSON.parse(text);
    const reply = (message) => socket.send(JSON.stringify(message));
    if (type === 'connection_init') {
      reply({ type: 'connection_ack' });
    } else if (type === 'subscribe') {
      streamed.forEach((changes) => reply({ id, type: 'next', payload: { data: { configChanges: { changes } } } }));
      reply({ id, type: 'complete' });
    }
  }));
  const playground = await openPlayground(context, url, problems);
  await playground.select('WatchChanges');
  await playground.play();
  await playground.stopped();
  assert.deepEqual((await playground.answer()).data.configChanges.changes, [{ name: 'second' }]);

  streamed.length = 1; // the first message is shown, whatever it says
  await playground.play();
  await playground.stopped();
  assert.deepEqual((await playground.answer()).data.configChanges.changes, []);
  assert.deepEqual(problems, []);
});

test('tabs survive a reload, and what another page does', async (t) => {
  const { context, problems } = await newBrowserSession(browser, t);
  const first = await openPlayground(context, url, problems);
  const second = await openPlayground(context, url, problems);
  const titles = await first.titles();

  await first.page.getByLabel('New tab').click();
  await first.edit('query Mine { bounds { head } }');
  await first.stored('query Mine');
  await second.select('SetConfig');
  await second.edit((await second.query()).replace('"30s"', '"mine too"'));
  await second.stored('mine too');

  for (const playground of [first, second]) {
    await playground.page.reload();
    await playground.ready();
    assert.deepEqual(await playground.titles(), [...titles, 'Mine']);
    await playground.select('SetConfig');
    assert.match(await playground.query(), /"mine too"/);
    await playground.select('ListConfigs');
    assert.match(await playground.variables(), /"first": 2/);
  }

  // GraphiQL writes the present operation and the tabs at different times: a reload in between must
  // not add a tab.
  await first.page.evaluate(() => {
    const tabs = Object.keys(localStorage).find((key) => key.endsWith(':graphiql:tabState'));
    localStorage.setItem(tabs.replace('tabState', 'query'), 'query Bounds { ahead }');
    localStorage.setItem(tabs.replace('tabState', 'variables'), '{ "ahead": true }');
  });
  await first.page.reload();
  await first.ready();
  assert.deepEqual(await first.titles(), [...titles, 'Mine']);
  assert.deepEqual(problems, []);
});

test('other examples replace those of an older program, and the own tabs move over', async (t) => {
  const { context, problems } = await newBrowserSession(browser, t);
  const old = [tab('Old', 'query Old { bounds { head } }'), tab('Changed', 'query Changed { bounds { earliest } }')];
  const present = [old[0], tab('Changed', 'query Changed { bounds { head } }'), tab('Mine', 'query Mine { bounds { head } }'), tab('', '')];
  await context.addInitScript(([shipped, tabs]) => {
    if (localStorage.length === 0) {
      localStorage.setItem('configapi:0123456789ab:examples', JSON.stringify(shipped));
      localStorage.setItem('configapi:0123456789ab:graphiql:tabState', JSON.stringify({ tabs, activeTabIndex: 2 }));
      localStorage.setItem('configapi:graphiql:theme', 'dark');
    }
  }, [old.map(({ query }) => JSON.stringify([query, ''])), present]);

  const playground = await openPlayground(context, url, problems);
  const { page } = playground;
  const shipped = (await shippedExamples(page)).map((example) => example.name);
  assert.deepEqual(await playground.titles(), [...shipped, 'Changed', 'Mine']);
  await playground.select('Changed');
  assert.equal(await playground.query(), present[1].query);
  assert.ok(await page.locator('body.graphiql-dark').isVisible());
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage).filter((key) => key.includes('0123456789ab'))), []);

  await page.reload();
  await playground.ready();
  assert.deepEqual(await playground.titles(), [...shipped, 'Changed', 'Mine']);
  assert.deepEqual(problems, []);
});

test('headers never reach the disk', async (t) => {
  const { context, problems } = await newBrowserSession(browser, t);
  const playground = await openPlayground(context, url, problems);
  const { page } = playground;
  await playground.select('Bounds');
  await page.getByRole('button', { name: 'Headers', exact: true }).click();
  await page.evaluate(() => {
    document.querySelectorAll('.graphiql-editor-tool .CodeMirror')[1].CodeMirror.setValue('{"X-Test":"s3cret"}');
  });
  const request = page.waitForRequest((sent) => sent.headers()['x-test'] === 's3cret');
  await playground.play();
  await request;
  await playground.answer();
  await playground.edit('query Later { bounds { head } }');
  await playground.stored('query Later');
  await playground.play();
  await playground.answer();
  const stored = await page.evaluate(() => ({ ...localStorage }));
  assert.match(stored['configapi:graphiql:queries'], /query Later/, 'the history of operations is kept');
  assert.doesNotMatch(JSON.stringify(stored), /s3cret/);
  assert.deepEqual(problems, []);
});

test('it works in a browser that refuses local storage', async (t) => {
  const { context, problems } = await newBrowserSession(browser, t);
  await context.addInitScript(() => {
    Object.defineProperty(window, 'localStorage', {
      get() {
        throw new DOMException('refused', 'SecurityError');
      },
    });
  });
  const playground = await openPlayground(context, url, problems);
  assert.ok((await playground.run('Bounds')).data.bounds.head);
  assert.deepEqual(problems, []);
});

async function shippedExamples(page) {
  return page.evaluate(() => JSON.parse(document.getElementById('settings').textContent).examples);
}

function tab(title, query) {
  return { id: `${title}-id`, title, query, variables: null, headers: null, operationName: title, response: null };
}

async function post(query) {
  const answer = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  assert.equal(answer.status, 200, `POST /graphql: ${answer.status}`);
}
