import { ConfigApiError } from './error.js';
import type { Parse } from './parse.js';
import type { Config } from './types.js';

/** What a config says, as a number, a text or something else: always there, and always the newest that could be read. */
export class Value<T> {
  /** The name of its config. */
  readonly name: string;
  readonly #default: T;
  readonly #parse: Parse<T>;
  readonly #values: Values;
  readonly #watchers = new Set<(present: T, before: T) => void>();
  #present: T;
  #text: string | undefined; // what was parsed last, with success or not

  /** @internal */
  constructor(name: string, fallback: T, parse: Parse<T>, values: Values) {
    this.name = name;
    this.#present = this.#default = fallback;
    this.#parse = parse;
    this.#values = values;
  }

  /**
   * What the config says; the default when there is no such config. When the config has a value that cannot be read, it is what the last one
   * said that could.
   */
  get(): T {
    return this.#present;
  }

  /** Calls back whenever what `get` returns has changed, until the function that it returns is called. */
  watch(call: (present: T, before: T) => void): () => void {
    const watcher: typeof call = (present, before) => call(present, before); // the same function may watch twice
    this.#watchers.add(watcher);
    this.#values.watched.add(this);
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) {
        this.#values.watched.delete(this);
      }
    };
  }

  /** Takes what the config is now, and returns the calls of its watchers. @internal */
  update(config: Config | undefined, failed: (error: ConfigApiError) => void): (() => void)[] {
    if (config?.value === this.#text) {
      return [];
    }
    this.#text = config?.value;
    const before = this.#present;
    try {
      this.#present = config ? this.#parse(config.value) : this.#default;
    } catch (reason) {
      failed(new ConfigApiError(`the value of ${this.name} must be ${(reason as Error)?.message}; what it was before stays`));
      return [];
    }
    const present = this.#present;
    return Object.is(present, before) ? [] : [...this.#watchers].map((watcher) => () => this.#watchers.has(watcher) && watcher(present, before));
  }
}

/**
 * The values of a client, by name. It does not keep those that nobody watches and nobody has any more: a page may make one each time that it
 * draws a component.
 */
export class Values {
  /** @internal */
  readonly watched = new Set<Value<any>>();
  readonly #byName = new Map<string, Set<WeakRef<Value<any>>>>(); // :: name → its values
  readonly #collected = new FinalizationRegistry<() => void>((drop) => drop());

  add(value: Value<any>): void {
    const { name } = value;
    const ref = new WeakRef(value);
    const same = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, same.add(ref));
    this.#collected.register(value, () => {
      if (same.delete(ref) && same.size === 0 && this.#byName.get(name) === same) {
        this.#byName.delete(name);
      }
    });
  }

  /** Those of the names; undefined: all. */
  of(names: Iterable<string> = this.#byName.keys()): Value<any>[] {
    return [...new Set(names)].flatMap((name) => [...this.#byName.get(name) ?? []].flatMap((ref) => ref.deref() ?? []));
  }
}
