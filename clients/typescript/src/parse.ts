/** Reads the text of a config. It throws an Error whose message says what the text must be, and has no part of it. */
export type Parse<T> = (text: string) => T;

/** Bounds of a number, both included. */
export interface Range {
  min?: number | undefined;
  max?: number | undefined;
}

export const string: Parse<string> = (text) => text;

export function int({ min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Range = {}): Parse<number> {
  return number(/^[+-]?\d+$/, 'an integer', min, max);
}

export function float({ min = -Infinity, max = Infinity }: Range = {}): Parse<number> {
  return number(/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i, 'a number', min, max);
}

function number(form: RegExp, what: string, min: number, max: number): Parse<number> {
  return (text) => {
    const found = form.test(text) ? Number(text) : NaN;
    if (!(found >= min && found <= max) || !Number.isFinite(found)) {
      throw new Error(`${what} from ${min} to ${max}`);
    }
    return found;
  };
}

/** What Go's strconv.ParseBool takes. */
export const bool: Parse<boolean> = (text) => {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) {
    return true;
  }
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) {
    return false;
  }
  throw new Error('true or false');
};

const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 1e-3, µs: 1e-3, μs: 1e-3, ns: 1e-6 };

/** What Go's time.ParseDuration takes, such as 1h30m, in milliseconds. */
export const duration: Parse<number> = (text) => {
  const [, sign, amount = ''] = /^([+-]?)(.*)$/.exec(text) ?? [];
  let sum = 0;
  const rest = amount.replace(/(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|μs|ns)/g, (_, count: string, unit: string) => {
    sum += Number(count) * units[unit]!;
    return '';
  });
  if (amount !== '0' && (rest !== '' || amount === '')) {
    throw new Error('a duration such as 30s or 1h30m');
  }
  return sign === '-' ? -sum : sum;
};

/** JSON, which `check` takes as it is or turns into something else. The error of JSON.parse has a part of the text. */
export function json<T>(check: (value: unknown) => T): Parse<T> {
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new Error('JSON');
    }
    return check(value);
  };
}
