/**
 * Operating trouble: something outside the program went wrong, or was given wrong.
 * `retry` says what a caller may do with it; `retryAfterMs` is what a client is told to wait.
 */
export class SpanweirError extends Error {
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorDetails = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SpanweirError';
    this.code = code;
    this.retry = options.retry ?? 'never';
    this.retryAfterMs = options.retryAfterMs;
  }
}

export type Retry = 'never' | 'backoff';

export interface ErrorDetails {
  readonly retry?: Retry;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

export type ErrorCode =
  /** The configuration can't be used; the text says where and why. */
  | 'CONFIG'
  /** A port is taken, a file can't be read, a directory can't be written. */
  | 'START'
  /** Bytes that are not what they claim to be. */
  | 'BAD_DATA'
  /** More than a configured limit allows. */
  | 'OVER_LIMIT'
  /** A peer (broker, database, server) can't be reached or does not answer. */
  | 'UNAVAILABLE'
  /** A peer answered and refused. */
  | 'REFUSED'
  /** The work belongs to an assignment that is no longer ours. */
  | 'FENCED'
  /** The program is stopping. */
  | 'STOPPING';

/** Any thrown value as an Error, so that it can be logged and wrapped. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

export function isRetryable(error: unknown): boolean {
  return error instanceof SpanweirError && error.retry === 'backoff';
}
