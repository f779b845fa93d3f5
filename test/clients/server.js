// The real server, as its own process, with a history in a file that outlives it. With
// CONFIGAPI_CLOSED=1 each server is closed, and its clients need its token.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

const binary = process.env.CONFIGAPI;
if (!binary) {
  throw new Error('CONFIGAPI must be the path of the program, as in CONFIGAPI=$PWD/bin/configapi npm test');
}

/** How long a test may take. */
export const patience = { timeout: 120_000 };

export class Server {
  /** A token that may do everything, undefined when the server is open. */
  token;
  /** A file with the token, undefined when the server is open. */
  tokenFile;

  #file;
  #process;

  /** Starts a server with an empty history but for its token, which ends with the test. */
  static async start(t, { closed = process.env.CONFIGAPI_CLOSED === '1' } = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'configapi-'));
    const server = new Server();
    server.#file = join(folder, 'configapi.db');
    t.after(async () => {
      await server.end('SIGKILL');
      await rm(folder, { recursive: true });
    });
    if (closed) {
      const { stdout } = await promisify(execFile)(binary, ['token', 'create', 'admin', '--grant', 'READ,WRITE,ADMIN:', '--store', `sqlite:${server.#file}`]);
      server.token = stdout.trim();
      server.tokenFile = join(folder, 'token');
      await writeFile(server.tokenFile, stdout, { mode: 0o600 });
    }
    await server.start();
    return server;
  }

  /** Starts it, again on the same history, on any free port: url says where. It returns when the server is ready. */
  async start() {
    const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--store', `sqlite:${this.#file}`, '--log', 'json'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    let said = '';
    this.url = await new Promise((resolve, reject) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        said += `${line}\n`;
        const serving = /"msg":"serving","address":"([^"]+)"/.exec(line);
        if (serving) {
          resolve(`http://${serving[1]}`);
        }
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${said}`)));
    });
    while (!(await fetch(new URL('/readyz', this.url))).ok) {
      await setTimeout(5); // until it has applied its history, it answers 503
    }
  }

  /** Ends it by a signal: SIGKILL as a crash does, SIGTERM in good order. */
  async end(signal) {
    if (this.#process?.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill(signal);
      await ended;
    }
  }

  /** The header Authorization, if the server asks for one. */
  get authorization() {
    return this.token ? { authorization: `Bearer ${this.token}` } : {};
  }

  /** The token as clients take it. */
  get tokenSource() {
    return async () => this.token;
  }

  /** Runs a query or a mutation and returns its data, or throws an error with its errors. */
  async execute(query, variables) {
    const response = await fetch(new URL('/graphql', this.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.authorization },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    if (errors || !data) {
      throw Object.assign(new Error(`${response.status}: ${JSON.stringify(errors)}`), { errors });
    }
    return data;
  }
  /** The newest position. */
  async head() {
    return (await this.execute('{ bounds { head } }')).bounds.head;
  }

  /** Gives a config a value, and returns the position of that. */
  async set(name, value) {
    const { setConfig } = await this.execute(`mutation ($name: ConfigName!, $value: String!) {
      setConfig(input: { name: $name, value: $value }) { ... on ConfigChanged { position } }
    }`, { name, value });
    return setConfig.position;
  }
}
