// A wire that can be cut: a TCP proxy between a client and the server.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Proxy {
  /** How many live connections were cut so far. */
  cuts = 0;
  /** How many connections there were. */
  connections = 0;

  #target;
  #server;
  #wires = new Set(); // of { client, server }
  #knife; // what to do with the next bytes of the server, instead of handing them on

  /** Listens on a port of its own and hands on to where target() says, until the test ends. */
  static async start(t, target) {
    const proxy = new Proxy();
    proxy.#target = target;
    proxy.#server = createServer((client) => proxy.#join(client)).listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    t.after(() => {
      proxy.#server.close();
      proxy.#wires.forEach(({ client }) => client.destroy());
    });
    proxy.url = `http://127.0.0.1:${proxy.#server.address().port}`;
    return proxy;
  }

  /**
   * Waits until the server says something and cuts all connections in the middle of that: how is `reset`, as a crash or a
   * firewall does, or `end`, as a proxy does that is restarted.
   */
  async cutInMessage(how) {
    await new Promise((resolve) => {
      this.#knife = ({ client }, chunk) => {
        client.write(chunk.subarray(0, chunk.length / 2), () => {
          this.#cutAll(how);
          resolve();
        });
      };
    });
  }

  /** Stops forwarding on the existing connections, and does not close them. */
  freeze() {
    this.#wires.forEach((wire) => {
      wire.frozen = true;
    });
  }

  #join(client) {
    const { hostname, port } = new URL(this.#target());
    const server = connect({ host: hostname, port });
    const wire = { client, server, frozen: false };
    this.#wires.add(wire);
    this.connections++;
    client.on('data', (chunk) => wire.frozen || server.write(chunk));
    server.on('data', (chunk) => this.#pass(wire, chunk));
    for (const socket of [client, server]) {
      socket.on('error', () => {}); // 'close' follows
    }
    client.on('close', () => {
      this.#wires.delete(wire);
      server.destroy();
    });
    server.on('close', () => wire.frozen || client.destroySoon());
  }

  #pass(wire, chunk) {
    const knife = this.#knife;
    if (knife && !wire.client.destroyed) {
      this.#knife = undefined;
      knife(wire, chunk);
    } else if (!wire.frozen) {
      wire.client.write(chunk);
    }
  }

  #cutAll(how) {
    for (const { client } of this.#wires) {
      if (how === 'reset') {
        client.resetAndDestroy();
      } else {
        client.destroySoon();
      }
    }
    this.cuts++;
  }
}
