import { apply, newKey } from './apply.js';
import { ConfigApiError } from './error.js';
import { Follower } from './follower.js';
import type { Keeper } from './keeper.js';
import { bool, duration, float, int, json, string, type Parse, type Range } from './parse.js';
import { backOff, onAbort } from './pause.js';
import { Scope } from './scope.js';
import { numberOf, Server } from './server.js';
import { Snapshot } from './snapshot.js';
import type { Change, ChangeSet, Config, Options, Result, TextStorage } from './types.js';
import { Value, Values } from './value.js';

/** A call that waits for a position. */
interface Waiter {
  number: number;
  end(error?: unknown): void;
}

/** A copy of the configs below a prefix, or of several layers, which follows the server's. */
export class Client {
  readonly #options: Options;
  readonly #server: Server;
  readonly #scope: Scope;
  readonly #follower: Follower;
  #keeper: Keeper | undefined;
  readonly #end = new AbortController();
  readonly #values = new Values();
  readonly #watchers = new Set<(changes: readonly Change[] | undefined) => void>();
  readonly #waiters = new Set<Waiter>();

  #configs = new Map<string, Config>(); // :: whole name → config
  #position = '';
  #snapshot: Snapshot | undefined; // of the present position, once it was asked for
  #shared = false; // whether a snapshot has #configs
  #staleSince: number | undefined;
  #heardAt = 0;
  #tokenId: string | null = null;
  #reported = ''; // the last error, until the server is heard again
  #over: ConfigApiError | undefined; // why nothing new will come
  #running: Promise<void> | undefined;

  /** @internal */
  constructor(options: Options) {
    this.#options = options;
    this.#server = new Server(options.url, options.timeout ?? 10_000, options.silence ?? 30_000);
    this.#scope = new Scope(options);
    const source = async () => {
      const token = typeof options.token === 'function' ? await options.token() : options.token;
      this.#tokenId = publicId(token);
      return token;
    };
    this.#follower = new Follower(this.#server, this.#scope, typeof options.token === 'function' ? source : options.token, options.pause ?? backOff, {
      anew: (configs, position) => this.#anew(configs, position),
      changes: (changes, position) => this.#apply(changes, position),
      heard: (caughtUp) => this.#heard(caughtUp),
      lost: (error, final) => this.#lost(error, final),
      replaced: (error) => this.#replaced(error),
    }, this.#end.signal);
    this.#tokenId = publicId(typeof options.token === 'string' ? options.token : undefined);
  }

  /** Reads all configs, and begins to follow. @internal */
  async start(storage: TextStorage | undefined): Promise<void> {
    const { signal, maxStale = Infinity } = this.#options;
    const stop = onAbort(() => this.#end.abort(), signal);
    try {
      const token = await this.#follower.token();
      this.#keeper = storage && await this.#keep(storage);
      const saved = await this.#keeper?.load(maxStale);
      this.#follower.position = saved?.position;
      try {
        await this.#follower.read(token);
      } catch (reason) {
        if (!saved || !(reason instanceof ConfigApiError && reason.temporary)) {
          throw reason;
        }
        this.#follower.position = saved.position;
        this.#staleSince = saved.writtenAt;
        this.#replace(saved.configs, saved.position);
        this.#lost(reason, false);
      }
    } catch (reason) {
      await this.close();
      signal?.throwIfAborted();
      throw reason;
    } finally {
      stop();
    }
    this.#running = this.#follower.run();
  }

  /** All configs at the newest position that the client knows. */
  snapshot(): Snapshot {
    this.#shared = true;
    return this.#snapshot ??= new Snapshot(this.#position, this.#configs, this.#scope);
  }

  /** The newest position that the client knows. */
  get position(): string {
    return this.#position;
  }

  /** Since when the server may have something newer that has not come; undefined: it has not. A start from a file counts from its writing. */
  stale(): Date | undefined {
    return this.#staleSince === undefined ? undefined : new Date(this.#staleSince);
  }

  /** What a config says. The default stands for a config that does not exist. */
  string(name: string, fallback: string): Value<string> {
    return this.#value(name, fallback, string);
  }

  /** As string, of an integer within bounds. */
  int(name: string, fallback: number, range?: Range): Value<number> {
    return this.#value(name, fallback, int(range));
  }

  /** As string, of a number within bounds. */
  float(name: string, fallback: number, range?: Range): Value<number> {
    return this.#value(name, fallback, float(range));
  }

  /** As string, of true or false, also written 1, t, 0 and f. */
  bool(name: string, fallback: boolean): Value<boolean> {
    return this.#value(name, fallback, bool);
  }

  /** As string, of a duration such as 30s or 1h30m, in milliseconds. */
  duration(name: string, fallback: number): Value<number> {
    return this.#value(name, fallback, duration);
  }

  /** As string, of JSON. check gets what was parsed, and returns the value or throws an error, whose message ends “the value must be …”. */
  json<T>(name: string, fallback: T, check: (value: unknown) => T = (value) => value as T): Value<T> {
    return this.#value(name, fallback, json(check));
  }

  /**
   * Calls back after each change set with its changes, and with undefined when all configs were read anew, until the function that it returns
   * is called. `snapshot` and all values are those after the set then.
   */
  watch(call: (changes: readonly Change[] | undefined) => void): () => void {
    const watcher: typeof call = (changes) => call(changes); // the same function may watch twice
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  /**
   * Waits until the client has a position, such as that of a change set that was applied. Of changes outside the prefix it learns within 10 s.
   * It rejects when the client is closed, or cannot learn of it any more.
   */
  wait(position: string, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        number: numberOf(position),
        end: (error) => {
          this.#waiters.delete(waiter);
          stop?.();
          if (error) {
            reject(error);
          } else {
            resolve();
          }
        },
      };
      let stop: (() => void) | undefined;
      this.#waiters.add(waiter);
      stop = onAbort(() => waiter.end(signal!.reason), signal);
      if (Number.isNaN(waiter.number)) {
        waiter.end(new ConfigApiError('that is no position'));
      } else if (this.#over) {
        waiter.end(this.#over);
      } else {
        this.#wake();
      }
    });
  }

  /**
   * Makes the changes of a set, all or none, and returns what it came to. It is sent again with the same idempotency key while the server
   * cannot be reached, and has one effect. The error says whether that is unknown; then apply the same set with the error's `key`.
   */
  async apply(set: ChangeSet, { key = newKey(), signal }: { key?: string | undefined; signal?: AbortSignal | undefined } = {}): Promise<Result> {
    const end = new AbortController();
    const stop = onAbort(() => end.abort(), this.#end.signal, signal);
    try {
      return await apply(this.#server, set, key, () => this.#follower.token(), this.#options.pause ?? backOff, end.signal);
    } finally {
      stop();
    }
  }

  /** Ends all connections and timers, and returns when what has changed is kept. Values and the snapshot stay as they are. */
  async close(): Promise<void> {
    this.#end.abort();
    this.#finish(new ConfigApiError('the client is closed'));
    await this.#running;
    await this.#keeper?.close();
  }

  /** A page that keeps nothing does not load what keeps. */
  async #keep(storage: TextStorage): Promise<Keeper> {
    const { Keeper } = await import('./keeper.js');
    return new Keeper(storage, () => ({ url: this.#server.base, scope: `${this.#scope}`, token: this.#tokenId }), () => ({
      writtenAt: this.#staleSince ?? Date.now(),
      position: this.#position,
      configs: [...this.#configs.values()],
    }), (message) => this.#fail(new ConfigApiError(message)));
  }

  #value<T>(name: string, fallback: T, parse: Parse<T>): Value<T> {
    const value = new Value(name, fallback, parse, this.#values);
    value.update(this.#lookup(name), (error) => this.#fail(error));
    this.#values.add(value);
    return value;
  }

  #lookup(name: string): Config | undefined {
    return new Snapshot(this.#position, this.#configs, this.#scope).lookup(name);
  }

  /** Takes all configs from the server. */
  #anew(configs: Config[], position: string): void {
    this.#heardAt = Date.now();
    this.#replace(configs, position);
    if (!this.#running) {
      this.#staleSince = undefined;
    }
    this.#keeper?.change();
  }

  #replace(configs: Config[], position: string): void {
    this.#configs = new Map(configs.map((config) => [config.name, plain(config)]));
    this.#shared = false;
    this.#publish(position, undefined);
  }

  #apply(changes: Change[], position: string): void {
    if (changes.length > 0 && this.#shared) {
      this.#configs = new Map(this.#configs);
      this.#shared = false;
    }
    for (const change of changes) {
      if (change.value === null) {
        this.#configs.delete(change.name);
      } else {
        this.#configs.set(change.name, plain(change));
      }
    }
    this.#publish(position, changes);
    if (changes.length > 0) {
      this.#keeper?.change();
    }
  }

  /** Has everybody see the new configs: first all values change, then their watchers are called. */
  #publish(position: string, changes: Change[] | undefined): void {
    this.#position = position;
    this.#snapshot = undefined;
    if (changes?.length !== 0) {
      const names = changes?.flatMap(({ name }) => this.#scope.asked(name));
      const calls = this.#values.of(names).flatMap((value) => value.update(this.#lookup(value.name), (error) => this.#fail(error)));
      for (const watcher of this.#watchers) {
        calls.push(() => this.#watchers.has(watcher) && watcher(changes));
      }
      calls.forEach((call) => this.#call(call));
    }
    this.#wake();
  }

  /** Calls what a user has given. What it throws is no reason to stop. */
  #call(call: () => void): void {
    if (this.#end.signal.aborted) {
      return;
    }
    try {
      call();
    } catch (reason) {
      this.#fail(new ConfigApiError('a watcher has thrown an error: see the cause', { cause: reason }));
    }
  }

  #wake(): void {
    const number = numberOf(this.#position);
    [...this.#waiters].filter((waiter) => waiter.number <= number).forEach((waiter) => waiter.end());
  }

  #heard(caughtUp: boolean): void {
    this.#heardAt = Date.now();
    if (caughtUp) {
      this.#staleSince = undefined;
      this.#reported = '';
      this.#keeper?.confirm();
    }
  }

  #lost(error: ConfigApiError, final: boolean): void {
    this.#staleSince ??= this.#heardAt;
    if (this.#reported !== error.message) {
      this.#reported = error.message;
      this.#fail(error);
    }
    if (final) {
      this.#finish(error);
    }
  }

  /** What is waited for belongs to a history that is no more. */
  #replaced(error: ConfigApiError): void {
    this.#fail(new ConfigApiError('the history is another one than before: all configs are read anew', { code: error.code }));
    [...this.#waiters].forEach((waiter) => waiter.end(error));
  }

  #finish(error: ConfigApiError): void {
    this.#over ??= error;
    [...this.#waiters].forEach((waiter) => waiter.end(error));
  }

  #fail(error: ConfigApiError): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // There is nobody to report it to.
    }
  }
}

/** Returns a client that has all configs. */
export async function begin(options: Options, storage: TextStorage | undefined): Promise<Client> {
  const client = new Client(options);
  await client.start(storage);
  return client;
}

/** What a config or its newest change says, as both have it. */
function plain({ name, version, position, actor, reason, ...of }: Config | Change): Config {
  return { name, value: of.value!, version, position, updatedAt: 'updatedAt' in of ? of.updatedAt : of.committedAt, actor, reason };
}

/** The public part of a token, which is cfg_ID_SECRET. */
function publicId(token: string | undefined): string | null {
  return token?.split('_', 2).join('_') ?? null;
}
