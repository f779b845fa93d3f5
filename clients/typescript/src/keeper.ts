import { decode, encode, type Owner, type Saved } from './saved.js';
import type { TextStorage } from './types.js';

/** The least time between two writes, in milliseconds. */
const interval = 1000;

/** How old what was written may become when nothing changes, in milliseconds: `maxStale` counts from its writing. */
const refresh = 60_000;

/** Keeps the configs for the next start, at most once a second. */
export class Keeper {
  readonly #storage: TextStorage;
  readonly #owner: () => Owner;
  readonly #present: () => Saved;
  readonly #failed: (message: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> | undefined;
  #changed = false;
  #writtenAt = -Infinity; // on a clock that is never set

  /** present returns what is to be kept, owner whose it is. */
  constructor(storage: TextStorage, owner: () => Owner, present: () => Saved, failed: (message: string) => void) {
    this.#storage = storage;
    this.#owner = owner;
    this.#present = present;
    this.#failed = failed;
  }

  /** What was kept. undefined: nothing that can be used. */
  async load(maxStale: number): Promise<Saved | undefined> {
    const owner = this.#owner();
    try {
      const text = await this.#storage.getItem(keyOf(owner));
      return typeof text === 'string' ? decode(text, owner, maxStale) : undefined;
    } catch (reason) {
      this.#failed(`reading what was kept: ${(reason as Error)?.message}`);
      return undefined;
    }
  }

  /** Keeps what there is now, soon. */
  change(): void {
    this.#changed = true;
    this.#schedule();
  }

  /** Says that what there is has been found to be the newest. */
  confirm(): void {
    if (performance.now() - this.#writtenAt > refresh) {
      this.change();
    }
  }

  /** Keeps what has changed since, and ends. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    clearTimeout(this.#timer);
    if (this.#changed) {
      await this.#write();
    }
  }

  #schedule(): void {
    if (this.#timer === undefined && !this.#writing) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#writing = this.#write().then(() => {
          this.#writing = undefined;
          if (this.#changed) {
            this.#schedule();
          }
        });
      }, Math.max(0, this.#writtenAt + interval - performance.now()));
    }
  }

  async #write(): Promise<void> {
    this.#changed = false;
    this.#writtenAt = performance.now();
    try {
      const owner = this.#owner();
      await this.#storage.setItem(keyOf(owner), encode(owner, this.#present()));
    } catch (reason) {
      this.#failed(`keeping the configs: ${(reason as Error)?.message}`);
    }
  }
}

function keyOf({ url, scope }: Owner): string {
  return `configapi ${url} ${scope}`;
}
