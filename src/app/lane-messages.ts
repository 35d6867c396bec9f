import type { ErrorCode, Retry } from '../base/errors.ts';
import { SpanweirError, toError } from '../base/errors.ts';
import type { HealthStatus } from '../base/instruments.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import type { Encoding, RequestVerdict } from '../flow/intake.ts';
import type { RedDelta } from '../red/red-rows.ts';
import type { SlotAnnouncement } from '../telemetry/instruments.ts';
import type { ReceiverPlan, SamplingStorePlan } from './plan.ts';
import type { RingPlace, SharedRing } from './request-ring.ts';

/** Everything a lane is told when its thread begins. */
export interface LaneSetup {
  readonly config: LoadedConfig;
  readonly plans: readonly ReceiverPlan[];
  readonly store: SamplingStorePlan | undefined;
  /** As in LaneContext. */
  readonly revision: number;
  readonly lane: number;
  readonly lanes: number;
  /** Counts the threads that this process ever started. */
  readonly life: number;
  /** Unique for this thread's life: block ids of requests begin with it. */
  readonly lifeId: string;
  /** One 32-bit number, which the thread counts up as long as it runs: its sign of life. */
  readonly beats: SharedArrayBuffer;
  /** Where payloads of requests lie. */
  readonly ring: SharedRing;
  /** Connectors whose deltas somebody in the main thread wants. */
  readonly redWanted: readonly string[];
}

/** What does not come with the message. */
export interface InRing {
  readonly place: RingPlace;
}

export interface LaneRequest {
  readonly id: number;
  readonly receiver: string;
  readonly payload: Uint8Array | InRing;
  readonly encoding: Encoding;
  readonly timestampMs: number;
}

export type ToLane =
  /** The main halves of its sinks are up. */
  | { readonly type: 'start' }
  | { readonly type: 'begin' }
  | { readonly type: 'requests'; readonly requests: readonly LaneRequest[] }
  | { readonly type: 'quiesce' }
  | { readonly type: 'stop'; readonly remainingMs: number };

export interface LaneAnswer {
  readonly id: number;
  readonly verdict: RequestVerdict;
}

export type FromLane =
  /** Sinks are up; waits for 'begin'. */
  | { readonly type: 'ready' }
  /** Receivers are up. */
  | { readonly type: 'begun' }
  | { readonly type: 'answers'; readonly answers: readonly LaneAnswer[] }
  | { readonly type: 'refusal'; readonly id: number; readonly error: PlainError }
  | { readonly type: 'slot'; readonly slot: SlotAnnouncement }
  | {
      readonly type: 'health';
      readonly key: string;
      readonly status: HealthStatus;
      readonly reason: string | undefined;
    }
  | { readonly type: 'post'; readonly component: string; readonly message: unknown }
  | { readonly type: 'red'; readonly connector: string; readonly delta: RedDelta }
  /** It moves nothing, for no reason that it knows of: to be replaced. */
  | { readonly type: 'stuck'; readonly why: string }
  | { readonly type: 'stopped' }
  | { readonly type: 'failed'; readonly error: PlainError };

/** An error as data, since cloning loses its class. */
export interface PlainError {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly retry: Retry;
  readonly retryAfterMs: number | undefined;
}

export function plainError(thrown: unknown): PlainError {
  if (thrown instanceof SpanweirError) {
    const { code, message, retry, retryAfterMs } = thrown;
    return { code, message, retry, retryAfterMs };
  }
  return { code: undefined, message: toError(thrown).message, retry: 'never', retryAfterMs: undefined };
}

export function fromPlainError(plain: PlainError): Error {
  if (plain.code === undefined) return new Error(plain.message);
  return new SpanweirError(plain.code, plain.message, {
    retry: plain.retry,
    ...(plain.retryAfterMs === undefined ? {} : { retryAfterMs: plain.retryAfterMs }),
  });
}
