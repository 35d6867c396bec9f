import { SpanweirError } from '../base/errors.ts';
import { pass } from '../base/failpoints.ts';
import type { SealedBlock } from './data-path.ts';
import type { Delivery } from './delivery.ts';
import type { Encoding, RequestVerdict } from './intake.ts';
import { countCommitted, type IntakeDeps, isFull, openBlock, releaseBlock } from './intake-shared.ts';
import type { OpenBlock } from './open-block.ts';
import { Waiters } from './waiters.ts';

/** Longest that a request waits for others to share its block, and so its inserts, with. Where nothing is inserted it does not. */
const REQUEST_LINGER_MS = 200;
const BUSY_RETRY_AFTER_MS = 1000;

interface Waiting {
  readonly spans: number;
  readonly resolve: (verdict: RequestVerdict) => void;
  readonly reject: (error: Error) => void;
}

interface RequestBlock {
  readonly block: OpenBlock;
  /** One per record of the batch. */
  readonly waiting: Waiting[];
}

/** Requests share blocks, so that the database sees a few large inserts; each is answered when its block is safe. */
export class RequestIntake {
  readonly #deps: IntakeDeps;
  readonly #idPrefix: string;
  readonly #isStored: boolean;
  readonly #abort = new AbortController();
  #open: RequestBlock | undefined;
  readonly #sealed = new Set<RequestBlock>();
  #sequence = 0;
  #inFlight = 0;
  #isClosed = false;
  readonly #idle = new Waiters();

  /** @param idPrefix unique for this lane of this process start */
  constructor(deps: IntakeDeps, idPrefix: string) {
    this.#deps = deps;
    this.#idPrefix = idPrefix;
    this.#isStored = deps.flow.path.sinks.some(({ durable }) => durable);
  }

  request(payload: Uint8Array, encoding: Encoding, timestampMs: number): Promise<RequestVerdict> {
    if (this.#isClosed) return Promise.reject(stopping());
    if (this.#deps.budget.isExceeded) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      const { instruments, scan } = this.#deps;
      this.#open ??= { block: openBlock(this.#deps), waiting: [] };
      const open = this.#open;
      try {
        const spans = scan(open.block.batch, payload, encoding, { offset: this.#sequence++, timestampMs });
        open.waiting.push({ spans, resolve, reject });
        instruments.records.add(1);
        instruments.bytes.add(payload.length);
        instruments.spans.add(spans);
      } catch (error) {
        // Refused to the sender, who still has it: nothing to put aside.
        reject(error as Error);
      }
      open.block.account();
      if (isFull(open.block.batch, this.#deps.limits)) this.seal();
    });
  }

  /** When the oldest request came that is not answered yet, by the monotonic clock; undefined when there is none. */
  get waitingSinceMs(): number | undefined {
    const [oldest = this.#open] = this.#sealed;
    return oldest?.block.openedAtMs;
  }

  sealIfOlder(nowMs: number, lingerMs: number): void {
    const linger = this.#isStored ? Math.min(lingerMs, REQUEST_LINGER_MS) : 0;
    if (this.#open !== undefined && nowMs - this.#open.block.openedAtMs >= linger) this.seal();
  }

  seal(): void {
    const sealed = this.#open;
    if (sealed === undefined) return;
    this.#open = undefined;
    if (sealed.waiting.length === 0) {
      releaseBlock(this.#deps, sealed.block);
      return;
    }
    this.#inFlight++;
    this.#sealed.add(sealed);
    this.#deps.flow.submit(this.#delivery(sealed));
  }

  /** Refuses what comes, finishes what is here. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isClosed = true;
    this.seal();
    while (this.#inFlight > 0 && !signal.aborted) await this.#idle.wait(signal);
    this.#abort.abort();
  }

  #delivery(sealed: RequestBlock): Delivery<SealedBlock> {
    const id = `${this.#idPrefix}:${this.#sequence}`;
    const { batch } = sealed.block;
    return {
      value: { origin: { kind: 'request', id }, batch, mayBegin: () => true },
      signal: this.#abort.signal,
      ack: () => this.#written(sealed),
      nack: (error) => this.#failed(sealed, error),
    };
  }

  #written(sealed: RequestBlock): void {
    pass('inserted');
    this.#deps.flow.committed(sealed.block.batch);
    countCommitted(this.#deps, sealed.block);
    for (const { spans, resolve } of sealed.waiting) resolve({ spans, rejectedSpans: 0, message: '' });
    this.#settle(sealed);
  }

  #failed(sealed: RequestBlock, error: Error): void {
    const isRefusal = error instanceof SpanweirError && error.code === 'REFUSED';
    // One sender's spans may not get the others' refused: each payload is tried in a block of its own.
    const isInTime = !this.#abort.signal.aborted;
    if (isRefusal && sealed.waiting.length > 1 && isInTime) this.#split(sealed);
    else {
      this.#deps.instruments.blocks(isRefusal ? 'refused' : 'dropped').add(1);
      for (const { reject } of sealed.waiting) reject(error);
    }
    this.#settle(sealed);
  }

  #split(sealed: RequestBlock): void {
    const { batch } = sealed.block;
    this.seal();
    for (const [record, waiting] of sealed.waiting.entries()) {
      const single = { block: openBlock(this.#deps), waiting: [waiting] };
      const payload = batch.arena.subarray(batch.recordAt[record], batch.recordEnd[record]);
      const timestampMs = batch.recordTimestampMs[record] as number;
      this.#deps.scan(single.block.batch, payload, 'otlp_proto', { offset: this.#sequence++, timestampMs });
      single.block.account();
      this.#open = single;
      this.seal();
    }
  }

  #settle(sealed: RequestBlock): void {
    releaseBlock(this.#deps, sealed.block);
    this.#inFlight--;
    this.#sealed.delete(sealed);
    if (this.#inFlight === 0) this.#idle.wake();
  }
}

function busy(): SpanweirError {
  return new SpanweirError('UNAVAILABLE', 'too many spans are waiting to be stored; try again', {
    retry: 'backoff',
    retryAfterMs: BUSY_RETRY_AFTER_MS,
  });
}

function stopping(): SpanweirError {
  return new SpanweirError('STOPPING', 'the engine is stopping; try again', {
    retry: 'backoff',
    retryAfterMs: BUSY_RETRY_AFTER_MS,
  });
}
