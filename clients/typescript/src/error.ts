/** One reason why a change set was refused. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Leads to the part of the change set that is wrong; null: the failure is about no part. */
  readonly path: readonly string[] | null;
}

/**
 * Why a request failed, or why a value was not taken. Its text is a sentence for people and has no
 * value of a config and no token, so that it may be logged.
 */
export class ConfigApiError extends Error {
  override readonly name = 'ConfigApiError';
  /** The code of the server, such as VERSION_CONFLICT; see docs/errors.md. undefined: the server said none. */
  declare readonly code: string | undefined;
  /** The status of the answer. undefined: there was none. */
  declare readonly status: number | undefined;
  /** Leads to the server's log. */
  declare readonly requestId: string | undefined;
  /** Of a write: whether it may have been made all the same. */
  readonly outcomeUnknown: boolean;
  /** Of a write: what to give `apply` as `key` to send it again with one effect. */
  declare readonly key: string | undefined;
  /** All reasons why a change set was refused. */
  readonly failures: readonly Failure[];
  /** Whether the same request may succeed later: the server could not be reached, or was busy. */
  readonly temporary: boolean;
  /** How long the server asks to wait, in milliseconds. @internal */
  readonly retryAfter: number;

  constructor(message: string, known: Partial<Omit<ConfigApiError, 'name' | 'message'>> = {}) {
    super(message);
    this.outcomeUnknown = this.temporary = false;
    this.failures = [];
    this.retryAfter = 0;
    Object.assign(this, known);
  }
}
