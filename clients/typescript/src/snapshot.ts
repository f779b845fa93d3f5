import type { Scope } from './scope.js';
import type { Config } from './types.js';

/** All configs as they were at one position. It never changes, and never has a part of a change set. */
export class Snapshot {
  /** The position that it is of. */
  readonly position: string;
  readonly #configs: ReadonlyMap<string, Config>; // :: whole name → config
  readonly #scope: Scope;

  /** @internal */
  constructor(position: string, configs: ReadonlyMap<string, Config>, scope: Scope) {
    this.position = position;
    this.#configs = configs;
    this.#scope = scope;
  }

  /** The config of a name; undefined when there is none. */
  lookup(name: string): Config | undefined {
    for (const { whole, layer } of this.#scope.candidates(name)) {
      const config = this.#configs.get(whole);
      if (config) {
        return layer === undefined ? config : { ...config, name, layer };
      }
    }
    return undefined;
  }

  /** All configs, by name. With layers, each name once. */
  all(): Config[] {
    const names = new Set([...this.#configs.keys()].flatMap((whole) => this.#scope.asked(whole)));
    return [...names].sort().map((name) => this.lookup(name)!);
  }
}
