// A server that does what a test says, also what no real one does. It speaks the same HTTP.

import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';

/** The wait between tries under test, in milliseconds. */
export const pause = () => 1;

/** How long a test may take. */
export const patience = { timeout: 60_000 };

export class Fake extends EventEmitter {
  configs = new Map(); // :: name → config
  position = position(0);
  /** Every request: { path, search, headers }. */
  requests = [];
  /** What answers /config, /events and /changes instead: functions of request, response. */
  instead = {};
  history = []; // of messages
  #streams = new Set();
  #server;

  static async start(t, configs = {}) {
    const fake = new Fake();
    Object.entries(configs).forEach(([name, value]) => fake.set(name, value));
    fake.#server = createServer((request, response) => fake.#answer(request, response)).listen(0, '127.0.0.1');
    await once(fake.#server, 'listening');
    fake.url = `http://127.0.0.1:${fake.#server.address().port}`;
    t.after(() => fake.stop());
    return fake;
  }

  /** Ends it: nothing listens at its url any more. */
  async stop() {
    if (this.#server.listening) {
      this.#server.close();
      this.#server.closeAllConnections();
      await once(this.#server, 'close');
    }
  }

  /** Makes a change set of one change; null deletes. */
  set(name, value) {
    return this.apply({ [name]: value });
  }

  /** Makes a change set. */
  apply(values) {
    const at = position(Number.parseInt(this.position, 10) + 1);
    this.position = at;
    const changes = Object.entries(values).map(([name, value]) => {
      const version = (this.configs.get(name)?.version ?? 0) + 1;
      const committedAt = '2026-11-22T22:35:41.731604Z';
      if (value === null) {
        this.configs.delete(name);
      } else {
        this.configs.set(name, { name, value, version, position: at, createdAt: committedAt, updatedAt: committedAt, actor: null, reason: null });
      }
      return { name, operation: value === null ? 'DELETED' : 'UPDATED', value, oldValue: null, version, position: at, changeSet: at, committedAt, actor: null, reason: null };
    });
    const message = { changes, position: at, caughtUp: true };
    this.history.push(message);
    this.#streams.forEach((response) => response.write(eventOf(message)));
    return at;
  }

  /** Writes to all streams. */
  write(text) {
    this.#streams.forEach((response) => response.write(text));
  }

  /** Cuts all streams. */
  cut() {
    this.#streams.forEach((response) => response.destroy());
  }

  /** The paths that were asked for. */
  get paths() {
    return this.requests.map(({ path }) => path);
  }

  /** What a stream begins with that goes on after a position. */
  after(number) {
    const missed = this.history.filter((message) => Number.parseInt(message.position, 10) > number);
    return `:\n\n${missed.length > 0 ? missed.map(eventOf).join('') : eventOf({ changes: [], position: this.position, caughtUp: true })}`;
  }

  #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    this.requests.push({ path: pathname, search: searchParams, headers: request.headers });
    const instead = this.instead[pathname];
    if (instead) {
      instead(request, response);
    } else if (pathname === '/config') {
      this.list(response, searchParams.get('prefix') ?? '');
    } else if (pathname === '/events') {
      this.stream(response, Number.parseInt(searchParams.get('after'), 10));
    } else {
      response.writeHead(404).end('Not Found');
    }
    this.emit('request', pathname);
  }

  list(response, prefix) {
    const listed = [...this.configs.values()].filter(({ name }) => prefix === '' || name === prefix || name.startsWith(`${prefix}/`));
    response.writeHead(200, { 'Content-Type': 'application/json', 'Config-Position': this.position }).end(JSON.stringify(listed));
  }

  stream(response, after) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
    response.write(this.after(after));
  }
}

export function position(number) {
  return `${number}-0000000a`;
}

export function eventOf(message) {
  return `event: changes\nid: ${message.position}\ndata: ${JSON.stringify(message)}\n\n`;
}

export function problem(response, status, code, detail = 'as the test says', headers = {}) {
  response.writeHead(status, { 'Content-Type': 'application/problem+json', ...headers }).end(JSON.stringify({ type: 'about:blank', status, code, detail }));
}

/** What onError has got so far, and a way to wait for more. */
export class Errors {
  all = [];
  #waiting = [];

  get onError() {
    return (error) => {
      this.all.push(error);
      this.#waiting.splice(0).forEach((wake) => wake());
    };
  }

  /** Waits for an error whose message matches. */
  async matching(pattern) {
    for (;;) {
      const found = this.all.find(({ message }) => pattern.test(message));
      if (found) {
        return found;
      }
      await new Promise((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** Waits until a value is as wanted. */
export function until(value, wanted) {
  return new Promise((resolve) => {
    if (value.get() === wanted) {
      resolve();
      return;
    }
    const stop = value.watch((present) => {
      if (present === wanted) {
        stop();
        resolve();
      }
    });
  });
}
