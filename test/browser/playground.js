// The playground as a person handles it: tabs, the play button, what stands in the editors.

import { chromium } from 'playwright-core';

const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

/** Starts the browser. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
}

/** A context without a past, closed when the test ends. */
export async function newBrowserSession(browser, t) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  t.after(() => context.close());
  return { context, problems: [] };
}

/** Removes what a browser says of answers with a status that the test expects. */
export function forgive(problems, status) {
  const others = problems.filter((problem) => !/^(console|response): /.test(problem) || !problem.includes(String(status)));
  problems.splice(0, problems.length, ...others);
}

/** Opens the playground in the context, and returns it when GraphiQL has the schema. */
export async function openPlayground(context, url, problems) {
  const playground = await visitPlayground(context, url, problems);
  await playground.ready();
  return playground;
}

/** Opens the playground in the context, and returns it before GraphiQL has the schema. Everything that a browser complains
 * about, and every request to another host, is added to problems. */
export async function visitPlayground(context, url, problems) {
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error') {
      problems.push(`console: ${message.text()}`);
    }
  });
  page.on('pageerror', (error) => problems.push(`page: ${error}`));
  page.on('requestfailed', (request) => {
    const { errorText } = request.failure();
    if (errorText !== 'net::ERR_ABORTED') { // which is what a reload does to them
      problems.push(`request: ${request.url()} ${errorText}`);
    }
  });
  page.on('response', (response) => {
    if (response.status() >= 400) {
      problems.push(`response: ${response.status()} ${response.url()}`);
    }
  });
  const { host } = new URL(url);
  for (const kind of ['request', 'websocket']) {
    page.on(kind, (opened) => {
      if (new URL(opened.url()).host !== host) {
        problems.push(`${kind} to another host: ${opened.url()}`);
      }
    });
  }
  await page.exposeFunction('reportViolation', (text) => problems.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  await page.goto(`${url}/playground`);
  return new Playground(page);
}

export class Playground {
  constructor(page) {
    this.page = page;
  }

  /** Waits until the schema is there and GraphiQL has parsed what stands in the editor. */
  async ready() {
    await this.page.waitForFunction(() => {
      const editor = document.querySelector('.graphiql-query-editor .CodeMirror')?.CodeMirror;
      const response = document.querySelector('.graphiql-response .CodeMirror')?.CodeMirror;
      const text = editor?.getValue();
      return response && editor.options.lint.schema && (text === '' || editor.documentAST?.loc.source.body === text);
    });
  }

  /** Enters a token, as a person who pastes it does. */
  async enterToken(token) {
    await this.page.getByLabel('Token').fill(token);
    await this.page.getByRole('button', { name: 'Use' }).click();
  }

  /** Waits until the note beside the field for the token contains the text. */
  async noted(text) {
    await this.page.getByRole('status').filter({ hasText: text }).waitFor();
  }

  async titles() {
    return this.page.locator('.graphiql-tab-button').allTextContents();
  }

  async select(title) {
    await this.page.locator(`.graphiql-tab-button[title="${title}"]`).click();
    await this.page.waitForFunction(
      (name) => document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.operationName === name,
      title,
    );
    await this.ready();
  }

  async query() {
    return this.page.evaluate(() => document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.getValue());
  }

  /** How much of the query GraphiQL underlines. */
  async complaints() {
    await this.page.evaluate(() => document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.performLint());
    return this.page.locator('.graphiql-query-editor [class*=CodeMirror-lint-mark]').count();
  }

  async variables() {
    return this.page.evaluate(() => document.querySelectorAll('.graphiql-editor-tool .CodeMirror')[0].CodeMirror.getValue());
  }

  async edit(query) {
    await this.page.evaluate(
      (text) => document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.setValue(text),
      query,
    );
    await this.ready();
  }

  async play() {
    await this.page.locator('.graphiql-execute-button').click();
  }

  /** Waits for the end of a stream. */
  async stopped() {
    await this.page.locator('.graphiql-execute-button[aria-label^="Execute"]').waitFor();
    await this.page.locator('.graphiql-spinner').waitFor({ state: 'detached' });
  }

  /** Presses play in a tab, and returns the answer. */
  async run(title) {
    await this.select(title);
    await this.play();
    return this.answer();
  }

  /** Waits for an answer that contains the text. */
  async answer(text = '', timeout = 10_000) {
    const shown = await this.page.waitForFunction(
      (wanted) => {
        const answer = document.querySelector('.graphiql-response .CodeMirror').CodeMirror.getValue();
        return answer !== '' && answer.includes(wanted) && answer;
      },
      text,
      { timeout },
    );
    return JSON.parse(await shown.jsonValue());
  }

  /** Waits until a tab with the text is stored: GraphiQL does so half a second late. */
  async stored(text) {
    await this.page.waitForFunction((wanted) => {
      const key = Object.keys(localStorage).find((name) => name.endsWith(':graphiql:tabState'));
      return key && JSON.parse(localStorage.getItem(key)).tabs.some((tab) => tab.query?.includes(wanted));
    }, text);
  }
}
