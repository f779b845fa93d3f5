import type { Options } from './types.js';

/** Which configs a client follows, and how their names are asked for. */
export class Scope {
  /** What the server is asked to list. "": all. */
  readonly lists: readonly string[];
  /** What the server is asked to send changes of: a prefix that all lists share. */
  readonly stream: string;
  readonly #layers: readonly string[] | undefined;

  constructor({ prefix, layers }: Pick<Options, 'prefix' | 'layers'>) {
    if (layers && (prefix !== undefined || layers.length === 0 || layers.some((layer) => trimmed(layer) === ''))) {
      throw new TypeError('give a prefix or layers, and no empty layer');
    }
    this.#layers = layers?.map(trimmed);
    this.lists = this.#layers ? [...new Set(this.#layers)] : [trimmed(prefix ?? '')];
    this.stream = this.lists.reduce(shared);
  }

  /** Whether a name belongs to it, which is asked of names below `stream`. */
  has(name: string): boolean {
    return !this.#layers || this.#layers.some((layer) => name.startsWith(`${layer}/`));
  }

  /** The whole names that a name may stand for, and their layers: the first one that there is counts. */
  candidates(name: string): { whole: string; layer?: string }[] {
    return this.#layers ? this.#layers.map((layer) => ({ whole: `${layer}/${name}`, layer })).reverse() : [{ whole: name }];
  }

  /** The names by which a whole name is asked for. */
  asked(whole: string): string[] {
    return this.#layers ? this.#layers.filter((layer) => whole.startsWith(`${layer}/`)).map((layer) => whole.slice(layer.length + 1)) : [whole];
  }

  /** Distinguishes it from others. */
  toString(): string {
    return JSON.stringify(this.#layers ?? this.stream);
  }
}

function trimmed(prefix: string): string {
  return prefix.replace(/\/+$/, '');
}

/** The segments with which both begin. */
function shared(a: string, b: string): string {
  const [left, right] = [a.split('/'), b.split('/')];
  const end = left.findIndex((segment, i) => segment !== right[i]);
  return end < 0 ? a : left.slice(0, end).join('/');
}
