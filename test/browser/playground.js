// The playground as a person handles it: tabs, the play button, what stands in the editors.

/** Opens the playground in the context, and returns it when GraphiQL has the schema. Everything that a browser complains
 * about, and every request to another host, is added to problems. */
export async function openPlayground(context, url, problems) {
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
  const playground = new Playground(page);
  await playground.ready();
  return playground;
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
