import type { Config } from './types.js';

/** What is kept for a start without the server. */
export interface Saved {
  /** When the server was last known to have nothing newer. */
  writtenAt: number;
  position: string;
  configs: Config[];
}

/** Says whose configs they are: text of another owner is not taken. */
export interface Owner {
  url: string;
  scope: string;
  /** The public part of the token; null: none. */
  token: string | null;
}

/** Makes the text. Every prefix of it is no JSON, so that a part of it is never taken for the whole. */
export function encode(owner: Owner, { writtenAt, position, configs }: Saved): string {
  return JSON.stringify({ format: 1, ...owner, writtenAt, position, configs });
}

/** Reads the text. It throws an Error that says why it cannot be used. */
export function decode(text: string, owner: Owner, maxStale: number): Saved {
  const saved = read(text);
  if (!saved) {
    throw new Error('it is damaged, and not used');
  }
  const other = (['url', 'scope', 'token'] as const).find((part) => saved[part] !== owner[part]);
  if (other) {
    throw new Error(`it has another ${other === 'scope' ? 'prefix or other layers' : other}, and is not used`);
  }
  const age = Date.now() - saved.writtenAt;
  if (age > maxStale || age < -60_000 && maxStale !== Infinity) { // the clock was set back: nobody knows how old it is
    throw new Error(`it is of ${new Date(saved.writtenAt).toISOString()}, which is too old or in the future, and is not used`);
  }
  return saved;
}

function read(text: string): (Saved & Owner) | undefined {
  try {
    const saved = JSON.parse(text) as (Saved & Owner & { format: number }) | null;
    const isWhole = saved?.format === 1 && typeof saved.position === 'string' && !Number.isNaN(new Date(saved.writtenAt).getTime())
      && Array.isArray(saved.configs) && saved.configs.every((config) => typeof config?.name === 'string' && typeof config.value === 'string');
    return isWhole ? saved : undefined;
  } catch {
    return undefined; // and not the error of JSON.parse, which has a part of the text
  }
}
