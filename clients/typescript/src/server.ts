import { ConfigApiError, type Failure } from './error.js';
import { onAbort } from './pause.js';
import { eventParser } from './sse.js';
import type { Change, ChangeSet, Config, Result } from './types.js';

/** The longest event or answer to a write, and the longest list, in characters. */
const maxEvent = 64 << 20;
const maxList = 256 << 20;

/** The longest time that a whole answer may take, in milliseconds, unless it is a stream. */
const maxDuration = 300_000;

/** What one event of /events says: a change set, or no changes and how far the history has been looked at. */
export interface Message {
  changes: Change[];
  position: string;
  caughtUp: boolean;
}

/** One request. */
interface Request {
  path: string;
  accept: string;
  token: string | undefined;
  signal: AbortSignal;
  headers?: Record<string, string | undefined>;
  body?: string;
  stream?: boolean;
}

/** The number of a position, by which positions of one history are in order. */
export const numberOf = (position: string) => Number.parseInt(position, 10);

/** The requests of REST that the client sends. Each throws a ConfigApiError. */
export class Server {
  readonly #base: string;
  readonly #timeout: number;
  readonly #silence: number;

  constructor(url: string | URL, timeout: number, silence: number) {
    const { origin, pathname } = new URL(url, (globalThis as { location?: { href: string } }).location?.href);
    this.#base = origin + pathname.replace(/\/+$/, '');
    this.#timeout = timeout;
    this.#silence = silence;
  }

  get base(): string {
    return this.#base;
  }

  /** All configs below a prefix, of one position: the present one, or that of `at`. */
  async list(prefix: string, at: string | undefined, atLeast: string | undefined, token: string | undefined, signal: AbortSignal): Promise<{ configs: Config[]; position: string }> {
    const { text, headers } = await this.#text({
      path: `/config${query({ view: 'full', prefix, at })}`,
      accept: 'application/json',
      token,
      signal,
      headers: { 'Config-At-Least': atLeast },
    }, maxList);
    const position = headers.get('Config-Position') ?? '';
    const configs = parsed(text) as Config[];
    if (!isPosition(position) || !Array.isArray(configs) || !configs.every((config) => isNamed(config) && typeof config.value === 'string')) {
      throw foreign(200);
    }
    return { configs, position };
  }

  /** Calls each with what comes after a position, for as long as the connection lasts, and `heard` whenever the server says anything. */
  async events(prefix: string, after: string, token: string | undefined, signal: AbortSignal, each: (message: Message) => void, heard: () => void): Promise<never> {
    const parse = eventParser(({ type, data }) => {
      if (type === 'error') {
        const { detail, code } = problemOf(data) ?? {};
        throw new ConfigApiError(`the server has ended the stream: ${detail}`, { code, temporary: true });
      }
      if (type === 'changes') {
        const message = parsed(data) as Message;
        if (!isMessage(message)) {
          throw foreign(200);
        }
        each(message);
      }
    }, maxEvent);
    await this.#exchange({ path: `/events${query({ prefix, after })}`, accept: 'text/event-stream', token, signal, stream: true }, (text) => {
      heard();
      parse(text);
    });
    throw new ConfigApiError('the server has ended the stream', { temporary: true });
  }

  /** Makes the changes of a set. The same key again, with the same set, gives the first outcome. */
  async apply(set: ChangeSet, key: string, token: string | undefined, signal: AbortSignal): Promise<Result> {
    const { text } = await this.#text({
      path: '/changes',
      accept: 'application/json',
      token,
      signal,
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify(set),
    }, maxEvent);
    const result = parsed(text) as Result;
    if (!Array.isArray(result?.revisions) || !isPosition(result.position)) {
      throw foreign(200, true);
    }
    return result;
  }

  /** The whole text of an answer. */
  async #text(request: Request, limit: number): Promise<{ text: string; headers: Headers }> {
    let text = '';
    const headers = await this.#exchange(request, (more) => {
      text += more;
      if (text.length > limit) {
        throw new RangeError(`an answer has more than ${limit} characters`);
      }
    });
    return { text, headers };
  }

  /** Sends a request, and calls each with the text of the answer as it comes. It is the only place that uses the network. */
  async #exchange({ path, accept, token, signal, headers, body, stream }: Request, each: (text: string) => void): Promise<Headers> {
    const hangUp = new AbortController();
    const abort = () => hangUp.abort();
    let late = false;
    const giveUp = () => {
      late = true;
      abort();
    };
    let silent = setTimeout(giveUp, this.#timeout);
    const whole = stream ? undefined : setTimeout(giveUp, maxDuration);
    const stop = onAbort(abort, signal);
    try {
      const response = await fetch(this.#base + path, {
        method: body === undefined ? 'GET' : 'POST',
        headers: defined({ Accept: `${accept}, application/problem+json`, Authorization: token && `Bearer ${token}`, ...headers }),
        body: body ?? null,
        redirect: 'error', // a token goes to its own server alone
        cache: 'no-store', // no value goes to the disk of a browser
        signal: hangUp.signal,
      });
      const isRight = response.ok && response.headers.get('Content-Type')?.startsWith(accept);
      let refusal = '';
      const decoder = new TextDecoder();
      for (const reader = response.body?.getReader(); reader;) {
        clearTimeout(silent);
        silent = setTimeout(giveUp, this.#silence);
        const { done, value } = await reader.read();
        const text = decoder.decode(value, { stream: !done });
        if (isRight) {
          each(text);
        } else if (refusal.length < maxEvent) {
          refusal += text;
        }
        if (done || !isRight && response.ok) {
          break;
        }
      }
      if (!isRight) {
        throw refused(response, refusal, body !== undefined);
      }
      return response.headers;
    } catch (reason) {
      throw reason instanceof ConfigApiError || signal.aborted ? reason : this.#broken(reason, late, body !== undefined);
    } finally {
      clearTimeout(silent);
      clearTimeout(whole);
      stop();
      abort();
    }
  }

  /** The error of a request without a whole answer. */
  #broken(reason: unknown, late: boolean, writes: boolean): ConfigApiError {
    const { message, cause } = reason as { message: string; cause?: { message?: string; code?: string } };
    const why = late ? 'it says nothing' : cause?.message || cause?.code || message;
    const notSent = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN'].includes(cause?.code ?? '');
    return new ConfigApiError(`reaching ${this.#base}: ${why}`, { temporary: true, outcomeUnknown: writes && !notSent });
  }
}

/** The error of an answer that is not what was asked for. */
function refused(response: Response, text: string, writes: boolean): ConfigApiError {
  const { status, headers } = response;
  const { detail, code, errors, outcome_unknown: unknown, request_id: id } = problemOf(text) ?? {};
  const temporary = status >= 500 || status === 429;
  if (response.ok || detail === undefined) {
    return status === 401 || status === 403
      ? new ConfigApiError(`the server answers ${status}, and does not say why`, { status })
      : foreign(status, writes && (response.ok || status >= 500));
  }
  return new ConfigApiError(detail, {
    status,
    code,
    temporary,
    requestId: id ?? headers.get('X-Request-Id') ?? undefined,
    failures: errors ?? [],
    outcomeUnknown: writes && (unknown === true || code === 'INTERNAL'),
    retryAfter: Math.min(Number(headers.get('Retry-After')) || 0, 60) * 1000,
  });
}

/** The error of an answer that is none of ConfigApi, such as that of a proxy which does not reach the server. */
function foreign(status: number, outcomeUnknown = false): ConfigApiError {
  return new ConfigApiError(`an answer with the status ${status} is none of ConfigApi: check the address`, { status, temporary: true, outcomeUnknown });
}

interface Problem {
  detail?: string;
  code?: string;
  errors?: Failure[];
  outcome_unknown?: boolean;
  request_id?: string;
}

function problemOf(text: string): Problem | undefined {
  const problem = parsed(text) as Problem | undefined;
  return typeof problem?.detail === 'string' ? problem : undefined;
}

/** What JSON says; undefined if it is none. The engine's own error has a part of the text, which may be a value. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPosition(position: unknown): position is string {
  return typeof position === 'string' && /^\d{1,19}-[0-9a-f]+$/.test(position);
}

function isNamed(config: { name?: unknown; position?: unknown } | null): boolean {
  return typeof config?.name === 'string' && isPosition(config.position);
}

function isMessage(message: Message | undefined): boolean {
  return isPosition(message?.position) && Array.isArray(message.changes)
    && message.changes.every((change) => isNamed(change) && (change.value === null || typeof change.value === 'string'));
}

/** The members that are there. */
function defined(all: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => !!entry[1]));
}

function query(parameters: Record<string, string | undefined>): string {
  const text = new URLSearchParams(defined(parameters)).toString();
  return text && `?${text}`;
}
