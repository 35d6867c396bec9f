import { SpanweirError } from '../../base/errors.ts';

/** What a client is told when its request is not taken, on either protocol. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly httpStatus: number;
  readonly grpcCode: number;
  readonly message: string;
  /** Set = the same request may be sent again after that time. */
  readonly retryAfterMs: number | undefined;
}

/** Values of the `reason` label. */
export type RefusalReason =
  | 'bad_data'
  | 'too_large'
  | 'in_flight_limit'
  | 'unavailable'
  | 'stopping'
  | 'timeout'
  | 'unsupported'
  | 'aborted'
  | 'internal';

/** Numbers of google.rpc.Code. */
export const CODE = {
  invalidArgument: 3,
  resourceExhausted: 8,
  internal: 13,
  unavailable: 14,
} as const;

const DEFAULT_RETRY_MS = 1000;

export function badData(message: string): Refusal {
  return refusal('bad_data', 400, CODE.invalidArgument, message);
}

/** Not RetryInfo: sent again, it would be too large again. */
export function tooLarge(message: string): Refusal {
  return refusal('too_large', 413, CODE.resourceExhausted, message);
}

export function unsupported(message: string): Refusal {
  return refusal('unsupported', 415, CODE.invalidArgument, message);
}

export function overloaded(
  message: string,
  reason: RefusalReason = 'unavailable',
  retryAfterMs?: number,
): Refusal {
  return refusal(reason, 503, CODE.unavailable, message, Math.max(1, retryAfterMs ?? DEFAULT_RETRY_MS));
}

/** What the ingress threw, as the protocols put it. Trouble that passes is always answered as retryable. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof SpanweirError)) return internal();
  const { code, message, retryAfterMs, retry } = error;
  switch (code) {
    case 'BAD_DATA':
      return badData(message);
    case 'OVER_LIMIT':
      if (retry === 'never' && retryAfterMs === undefined) return tooLarge(message);
      return overloaded(message, 'in_flight_limit', retryAfterMs);
    case 'STOPPING':
      return overloaded(message, 'stopping', retryAfterMs);
    case 'UNAVAILABLE':
    case 'FENCED':
      return overloaded(message, 'unavailable', retryAfterMs);
    case 'REFUSED':
      return retry === 'backoff' ? overloaded(message, 'unavailable', retryAfterMs) : internal();
    case 'CONFIG':
    case 'START':
      return internal();
    default:
      return code satisfies never;
  }
}

function internal(): Refusal {
  return refusal('internal', 500, CODE.internal, 'internal error');
}

function refusal(
  reason: RefusalReason,
  httpStatus: number,
  grpcCode: number,
  message: string,
  retryAfterMs?: number,
): Refusal {
  return { reason, httpStatus, grpcCode, message, retryAfterMs };
}
