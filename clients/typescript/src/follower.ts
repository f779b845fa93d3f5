import { ConfigApiError } from './error.js';
import { onAbort, sleep } from './pause.js';
import type { Scope } from './scope.js';
import { numberOf, type Message, type Server } from './server.js';
import type { Change, Config } from './types.js';

/** What a follower finds out. */
export interface Sink {
  /** All configs of the scope, which may have nothing to do with those before. */
  anew(configs: Config[], position: string): void;
  /** A change set, or no changes and how far the history has been looked at. */
  changes(changes: Change[], position: string): void;
  /** The server says something. caughtUp: there is nothing newer. */
  heard(caughtUp: boolean): void;
  /** The server is lost. final: there will be no other try, since another one cannot help. */
  lost(error: ConfigApiError, final: boolean): void;
  /** The history does not have the position: it was replaced by another one. */
  replaced(error: ConfigApiError): void;
}

export type TokenSource = string | undefined | (() => string | undefined | Promise<string | undefined>);

/** Codes after which the configs are read anew: what may be read, or the history, is another one now. */
const beginsAnew = ['FORBIDDEN', 'UNAUTHENTICATED', 'POSITION_UNKNOWN', 'ERASED'];

/** Follows the configs of a scope: reads them once, then takes each change set once and whole, through any number of connections. */
export class Follower {
  /** The position up to which everything is known. undefined: nothing is known. */
  position: string | undefined;

  readonly #server: Server;
  readonly #scope: Scope;
  readonly #source: TokenSource;
  readonly #pause: (n: number) => number;
  readonly #sink: Sink;
  readonly #signal: AbortSignal;
  #readWith: { token: string | undefined } | undefined; // the token with which all was read; undefined: it must be read
  #refused: { token: string | undefined; error: ConfigApiError } | undefined;

  constructor(server: Server, scope: Scope, source: TokenSource, pause: (n: number) => number, sink: Sink, signal: AbortSignal) {
    this.#server = server;
    this.#scope = scope;
    this.#source = source;
    this.#pause = pause;
    this.#sink = sink;
    this.#signal = signal;
  }

  /** Returns the token to send. It throws when the server has refused that one: an address that sends such tokens gets 429. */
  async token(): Promise<string | undefined> {
    const token = await this.#ask();
    if (this.#refused && this.#refused.token === token) {
      throw this.#refused.error;
    }
    return token;
  }

  /** Asks for the token, but does not wait for it after the end. */
  #ask(): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const stop = onAbort(() => reject(new ConfigApiError('the client is closed')), this.#signal);
      const ask = async () => (typeof this.#source === 'function' ? this.#source() : this.#source);
      ask().finally(stop).then(resolve, reject);
    });
  }

  /** Reads all configs. */
  async read(token: string | undefined): Promise<void> {
    try {
      await this.#read(token);
    } catch (reason) {
      if (!(reason instanceof ConfigApiError) || reason.code !== 'POSITION_UNKNOWN' || this.position === undefined) {
        throw reason;
      }
      this.position = undefined;
      this.#sink.replaced(reason);
      await this.#read(token);
    }
  }

  /** Never reads anything older than what is known: another server may be behind. */
  async #read(token: string | undefined): Promise<void> {
    const configs: Config[] = [];
    let of = this.position;
    let at: string | undefined;
    for (const prefix of this.#scope.lists) {
      let list = await this.#server.list(prefix, undefined, of, token, this.#signal);
      at ??= list.position;
      if (list.position !== at) { // something has changed since the list before
        list = await this.#server.list(prefix, at, at, token, this.#signal);
      }
      of = at;
      for (const config of list.configs) {
        if (this.#scope.has(config.name)) {
          configs.push(config);
        }
      }
    }
    this.position = of;
    this.#readWith = { token };
    this.#sink.anew(configs, of!);
  }

  /** Follows until the signal is aborted, or the token, which is a constant, was refused. */
  async run(): Promise<void> {
    for (let tries = 0; ;) {
      let token: string | undefined;
      let error: ConfigApiError;
      try {
        token = await this.token();
        if (!this.#readWith || this.#readWith.token !== token) {
          await this.read(token);
        }
        return await this.#server.events(this.#scope.stream, this.position!, token, this.#signal, (message) => {
          this.#take(message);
          tries = 0;
        }, () => this.#sink.heard(false));
      } catch (reason) {
        error = reason instanceof ConfigApiError ? reason : new ConfigApiError(`asking for the token: ${(reason as Error)?.message}`);
      }
      if (this.#signal.aborted || this.#examine(error, token)) {
        return;
      }
      await sleep(Math.max(this.#pause(tries++), error.retryAfter), this.#signal);
    }
  }

  /** Takes notice of why the server was lost, and reports whether no other try can help. */
  #examine(error: ConfigApiError, token: string | undefined): boolean {
    if (beginsAnew.includes(error.code ?? '')) {
      this.#readWith = undefined;
    }
    if (error.code === 'UNAUTHENTICATED' && error !== this.#refused?.error) {
      this.#refused = { token, error };
    }
    const final = error.code === 'UNAUTHENTICATED' && typeof this.#source !== 'function';
    if (error.code === 'POSITION_UNKNOWN') {
      this.position = undefined;
      this.#sink.replaced(error);
    } else {
      this.#sink.lost(error, final);
    }
    return final;
  }

  #take({ changes, position, caughtUp }: Message): void {
    const isNew = numberOf(position) > numberOf(this.position!);
    if (isNew && changes.some(({ value, operation }) => value === null && operation !== 'DELETED')) {
      throw new ConfigApiError('a value was erased: all configs are read anew', { code: 'ERASED' });
    }
    if (isNew) {
      this.position = position;
      this.#sink.changes(changes.filter(({ name }) => this.#scope.has(name)), position);
    }
    this.#sink.heard(caughtUp);
  }
}
