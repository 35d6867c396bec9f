import type { Clock } from '../../base/clock.ts';
import { toError } from '../../base/errors.ts';
import type { Counter, Instruments, Log } from '../../base/instruments.ts';
import type { Ingress } from '../../flow/host.ts';
import type { Encoding, RequestVerdict } from '../../flow/intake.ts';
import { ByteBudget, type ByteLease } from './byte-budget.ts';
import { Lateness } from './lateness.ts';
import { overloaded, type Refusal, type RefusalReason, refusalOf } from './refusal.ts';

export type Transport = 'grpc' | 'http';

export type Answer =
  | { readonly taken: true; readonly verdict: RequestVerdict }
  | { readonly taken: false; readonly refusal: Refusal };

export interface DoorDeps {
  readonly receiver: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly instruments: Instruments;
  readonly ingress: Ingress;
  readonly maxInFlightBytes: number;
  readonly timeoutMs: number;
}

interface Counters {
  readonly requests: Counter;
  readonly accepted: Counter;
  readonly rejected: Counter;
}

const NOTHING: RequestVerdict = { spans: 0, rejectedSpans: 0, message: '' };

/**
 * What both protocols share: the bound on bytes in flight, the time limit, the counters, and the way to
 * the lanes. A payload's lease is given back when the lanes have settled it, also after a timeout: until
 * then its bytes are held.
 */
export class Door {
  readonly #deps: DoorDeps;
  readonly #budget: ByteBudget;
  readonly #counters = new Map<Transport, Counters>();
  readonly #refused = new Map<string, Counter>();
  readonly #lateness: Lateness;
  #stopping = false;

  constructor(deps: DoorDeps) {
    this.#deps = deps;
    this.#lateness = new Lateness(deps.clock, deps.timeoutMs);
    const { receiver, instruments } = deps;
    this.#budget = new ByteBudget(
      deps.maxInFlightBytes,
      instruments.gauge('spanweir_receiver_in_flight_bytes', { receiver }),
    );
    for (const transport of ['grpc', 'http'] as const) {
      const labels = { receiver, transport };
      this.#counters.set(transport, {
        requests: instruments.counter('spanweir_receiver_requests_total', labels),
        accepted: instruments.counter('spanweir_receiver_accepted_spans_total', labels),
        rejected: instruments.counter('spanweir_receiver_rejected_spans_total', labels),
      });
    }
  }

  lease(): ByteLease {
    return this.#budget.lease();
  }

  /** From now on every request is refused, to be sent again (to another process, or later). */
  refuseAll(): void {
    this.#stopping = true;
    this.#lateness.end();
  }

  /** Counted by whoever answers without asking the lanes. */
  refuse(transport: Transport, refusal: Refusal): Answer {
    this.#counters.get(transport)?.requests.add(1);
    this.#countRefusal(transport, refusal.reason);
    return { taken: false, refusal };
  }

  /** `lease` must hold the payload's bytes; it is ended here. When this returns, the payload is the caller's again. Never rejects. */
  async take(
    transport: Transport,
    payload: Uint8Array,
    encoding: Encoding,
    lease: ByteLease,
  ): Promise<Answer> {
    if (this.#stopping) {
      lease.end();
      return this.refuse(transport, overloaded('stopping', 'stopping'));
    }
    if (payload.length === 0 && encoding === 'otlp_proto') {
      lease.end();
      return this.#accept(transport, NOTHING);
    }
    const { clock, ingress } = this.#deps;
    return await new Promise((resolve) => {
      const inTime = this.#lateness.watch(() =>
        resolve(this.refuse(transport, overloaded('the spans were not safe in time', 'timeout'))),
      );
      ingress(payload, encoding, clock.wallMs()).then(
        (verdict) => {
          lease.end();
          if (inTime()) resolve(this.#accept(transport, verdict));
        },
        (error: unknown) => {
          lease.end();
          if (inTime()) resolve(this.#failed(transport, error));
        },
      );
    });
  }

  #failed(transport: Transport, error: unknown): Answer {
    const refusal = refusalOf(error);
    if (refusal.reason === 'internal') {
      this.#deps.log.error({ err: toError(error), transport }, 'a request failed');
    }
    return this.refuse(transport, refusal);
  }

  #accept(transport: Transport, verdict: RequestVerdict): Answer {
    const counters = this.#counters.get(transport);
    counters?.requests.add(1);
    counters?.accepted.add(verdict.spans);
    counters?.rejected.add(verdict.rejectedSpans);
    return { taken: true, verdict };
  }

  #countRefusal(transport: Transport, reason: RefusalReason): void {
    const key = `${transport}/${reason}`;
    let counter = this.#refused.get(key);
    if (counter === undefined) {
      counter = this.#deps.instruments.counter('spanweir_receiver_refused_requests_total', {
        receiver: this.#deps.receiver,
        transport,
        reason,
      });
      this.#refused.set(key, counter);
    }
    counter.add(1);
  }
}
