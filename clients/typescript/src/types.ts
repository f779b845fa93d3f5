import type { ConfigApiError } from './error.js';

/** A config as it is at a position. */
export interface Config {
  /** As it is asked for: with layers it is what follows the layer's prefix. */
  readonly name: string;
  readonly value: string;
  readonly version: number;
  /** The position of its newest change. */
  readonly position: string;
  /** When that change was made. */
  readonly updatedAt: string;
  /** Who made it; null: nobody was named. */
  readonly actor: string | null;
  readonly reason: string | null;
  /** The layer that it comes from. undefined without layers. */
  readonly layer?: string | undefined;
}

/** One change of a change set, as the server sends it. */
export interface Change {
  /** The whole name. */
  readonly name: string;
  readonly operation: 'CREATED' | 'UPDATED' | 'DELETED' | 'RESTORED';
  /** null: the config was deleted. */
  readonly value: string | null;
  readonly oldValue: string | null;
  readonly version: number;
  readonly position: string;
  /** The position of the change set that it belongs to. */
  readonly changeSet: string;
  readonly committedAt: string;
  readonly actor: string | null;
  readonly reason: string | null;
}

/** Changes that are made together, or not at all. Names are whole names, with or without layers. */
export interface ChangeSet {
  readonly changes: readonly (
    | { readonly set: { readonly name: string; readonly value: string; readonly expectedVersion?: number; readonly onlyIfChanged?: boolean } }
    | { readonly delete: { readonly name: string; readonly expectedVersion?: number } }
    | { readonly restore: { readonly name: string; readonly value?: string; readonly expectedVersion?: number } }
  )[];
  /** The position at which the configs were read: one that has changed since is refused. */
  readonly asSeenAt?: string;
  /** Says what would happen, and changes nothing. */
  readonly dryRun?: boolean;
  readonly reason?: string;
}

/** What a change set came to. */
export interface Result {
  readonly revisions: readonly Change[];
  /** Names that were as asked for already. */
  readonly unchanged: readonly string[];
  readonly position: string;
  readonly dryRun: boolean;
}

/** Keeps text for the next start, as `localStorage` does. It may answer with promises. */
export interface TextStorage {
  getItem(key: string): string | null | undefined | Promise<string | null | undefined>;
  setItem(key: string, text: string): unknown;
}

/** What `open` takes. */
export interface Options {
  /** Where the server is, such as https://config.example. In browsers it may be relative to the page. */
  url: string | URL;
  /**
   * The token, or what returns it: a function is called before each request, so that a rotated token needs no restart. A token that the
   * server has refused is not sent again. undefined: none.
   */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  /** The configs to follow: those whose names begin with these whole segments. undefined: all that the token may read. */
  prefix?: string | undefined;
  /** Several prefixes, of which a later one wins. Names are then what follows the prefix. Not with `prefix`. */
  layers?: readonly string[] | undefined;
  /**
   * In Node.js: the file that keeps the configs for a start without the server, with the mode 0600. **It holds their values in clear.** It
   * belongs to one URL, one prefix or list of layers, and one token.
   */
  file?: string | undefined;
  /** What keeps the configs instead of a file. In browsers nothing is kept without it. **It gets the values in clear.** */
  storage?: TextStorage | undefined;
  /** The oldest file, or text of the storage, with which to start, in milliseconds. undefined: of any age. */
  maxStale?: number | undefined;
  /** Is called when the server is lost, when a value cannot be taken, and when a file cannot be used. An outage is reported once. */
  onError?: ((error: ConfigApiError) => void) | undefined;
  /** Ends `open` before it has succeeded. */
  signal?: AbortSignal | undefined;
  /** How long the server may take to begin an answer, in milliseconds: 10,000 by default. A start from a file waits as long at most. */
  timeout?: number | undefined;
  /** How long the server may say nothing before the connection counts as lost, in milliseconds: 30,000 by default. It says something every 15 s. */
  silence?: number | undefined;
  /** How long to wait before the nth try in a row, from 0, in milliseconds. By default twice as long each time, at random, up to 15 s. */
  pause?: ((n: number) => number) | undefined;
}
