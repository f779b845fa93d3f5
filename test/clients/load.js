// Writes that go on while connections are cut and servers die, and what the history says of them
// afterwards.

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';

const write = `mutation ($name: ConfigName!, $value: String!, $set: Boolean!, $delete: Boolean!, $restore: Boolean!) {
  setConfig(input: { name: $name, value: $value }) @include(if: $set) { ...Outcome }
  deleteConfig(input: { name: $name }) @include(if: $delete) { ...Outcome }
  restoreConfig(input: { name: $name }) @include(if: $restore) { ...Outcome }
}
fragment Outcome on ConfigChanged { position }`;

const page = `query ($after: Position) {
  changes(after: $after, first: 500) { changes { position operation name value } position caughtUp }
}`;

/** Writers that set, delete and restore a handful of configs, until they are stopped. */
export class Load {
  /** Positions of acknowledged writes. */
  acknowledged = [];

  #server;
  #writers;
  #stopped = false;

  constructor(server, writers = 4) {
    this.#server = server;
    this.#writers = Array.from({ length: writers }, (_, i) => this.#write(i));
  }

  /** Ends the writers, and returns when the last one has its answer. */
  async stop() {
    this.#stopped = true;
    await Promise.all(this.#writers);
  }

  async #write(writer) {
    for (let i = 0; !this.#stopped; i++) {
      const kind = ['set', 'set', 'delete', 'restore'][randomInt(4)];
      const variables = { name: `load/${randomInt(8)}`, value: `${writer}.${i}`, set: false, delete: false, restore: false };
      try {
        const outcome = await this.#server.execute(write, { ...variables, [kind]: true });
        const { position } = outcome[`${kind}Config`]; // none when it was refused, as a deletion of what is deleted
        if (position) {
          this.acknowledged.push(position);
        }
      } catch (error) {
        if (error.errors?.some(({ extensions }) => extensions?.code !== 'UNAVAILABLE')) {
          throw error;
        }
        await new Promise((resolve) => setImmediate(resolve)); // the server is down: whether that was written, the history knows
      }
    }
  }
}

/** All changes after a position, from the history itself. */
export async function changesAfter(server, after) {
  const all = [];
  for (;;) {
    const { changes: { changes, position, caughtUp } } = await server.execute(page, { after });
    all.push(...changes);
    if (caughtUp) {
      return all;
    }
    after = position;
  }
}

/** Fails unless what was received is what the history has: each change once, in order, and every acknowledged one is there. */
export function assertEachOnce(received, history, acknowledged) {
  const have = new Set(history.map(({ position }) => position));
  assert.deepEqual(acknowledged.filter((position) => !have.has(position)), [], 'acknowledged, but not in the history');
  const line = ({ position, operation, name, value }) => `${position} ${operation} ${name} ${value}`;
  const [got, want] = [received.map(line), history.map(line)];
  const wrong = want.findIndex((change, i) => got[i] !== change);
  assert.equal(wrong, -1, `change ${wrong} of ${want.length} is ${got[wrong]}, want ${want[wrong]}`);
  assert.equal(got.length, want.length, `more than the history has: ${got.slice(want.length)}`);
}
