// The scenario that every client goes through: under writes its connection is cut again and again,
// and the server is killed and started again on the same history; in the end the client has every
// change exactly once, in order.

import assert from 'node:assert/strict';
import { assertEachOnce, changesAfter, Load } from './load.js';
import { Proxy } from './proxy.js';
import { Server } from './server.js';

/** A subscription that can resume. */
export const watchChanges = `subscription WatchChanges($after: Position) {
  configChanges(after: $after) {
    changes { position operation name value }
    position
  }
}`;

/** How long a client under test waits before it comes back, in milliseconds. */
export const backOff = 5;

/**
 * Runs the scenario. subscribe(url, after, sink, server) starts the client's subscription to watchChanges at url, which is http://…
 * and leads to the server, with next(data) and error(reason) as its sink, and returns a function that ends it, or a promise of one. At `after` there is
 * just one config: `before`, which is empty.
 */
export async function everyChangeOnce(t, subscribe, { cuts }) {
  const server = await Server.start(t);
  const proxy = await Proxy.start(t, () => server.url);
  const start = await server.set('before', '');
  const received = new Received();
  const unsubscribe = await subscribe(proxy.url, start, received, server);
  t.after(unsubscribe);

  const load = new Load(server);
  t.after(() => load.stop());
  for (let i = 1; i <= cuts; i++) {
    if (i % 4 !== 0) { // each fourth cut hits the handshake of the connection that follows the cut before
      await received.more();
    }
    await received.whileItLasts(proxy.cutInMessage(i % 2 ? 'reset' : 'end'));
    if (i === Math.ceil(cuts / 3) || i === Math.ceil(2 * cuts / 3)) {
      await received.more();
      await server.end(i < cuts / 2 ? 'SIGKILL' : 'SIGTERM');
      await server.start();
    }
  }
  while (load.acknowledged.length <= cuts) { // however slow the machine, there were writes between the cuts
    await received.more();
  }
  await load.stop();

  const history = await changesAfter(server, start);
  await received.reaches(history.at(-1).position);
  assert.equal(proxy.cuts, cuts);
  assertEachOnce(received.changes, history, load.acknowledged);
  t.diagnostic(`${history.length} changes, ${proxy.cuts} cuts, ${proxy.connections} connections`);
}

/** What a subscription has brought so far: the sink of a client's subscription. */
export class Received {
  changes = [];
  #waiting = []; // of { enough, resolve }
  #fail;
  #failed = new Promise((_, reject) => {
    this.#fail = reject;
  });

  constructor() {
    this.#failed.catch(() => {}); // the waiting call gets the error
  }

  next({ configChanges: { changes } }) {
    this.changes.push(...changes);
    for (const waiting of this.#waiting.filter(({ enough }) => enough())) {
      waiting.resolve();
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    }
  }

  error(reason) {
    this.#fail(new Error('the subscription ended', { cause: reason }));
  }

  /** Waits for one more change. */
  async more() {
    const { length } = this.changes;
    await this.#until(() => this.changes.length > length);
  }

  /** Waits for the change at a position. */
  async reaches(position) {
    await this.#until(() => this.changes.at(-1)?.position === position);
  }

  /** Waits for a promise, but not when the subscription fails. */
  async whileItLasts(promise) {
    return Promise.race([promise, this.#failed]);
  }

  async #until(enough) {
    if (!enough()) {
      await this.whileItLasts(new Promise((resolve) => this.#waiting.push({ enough, resolve })));
    }
  }
}
