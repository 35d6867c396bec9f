import { EMPTY, type Observable, of, Subject, type Subscription } from 'rxjs';
import { concatMap, mergeMap } from 'rxjs/operators';
import type { Clock } from '../base/clock.ts';
import { SpanweirError, toError } from '../base/errors.ts';
import type { Counter, Log } from '../base/instruments.ts';
import type { RedRows } from '../red/red-rows.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import type { Block, BlockOrigin } from './block.ts';
import { type Delivery, withValue } from './delivery.ts';
import type { BlockSink, RedConnector, ThroughputProcessor } from './lane.ts';
import { retrying } from './retry.ts';

/** What happens to the spans of one receiver in a lane. */
export interface DataPath {
  /** Completes a batch before anything is derived from it: what one span tells of another. Pure but for counters. */
  readonly prepare?: (batch: SpanBatch) => void;
  readonly throughput: ThroughputProcessor | undefined;
  readonly connectors: ReadonlyMap<string, RedConnector>;
  readonly sinks: readonly BlockSink[];
}

/** A block whose records are complete and from which nothing has been derived yet. */
export interface SealedBlock {
  readonly origin: BlockOrigin;
  readonly batch: SpanBatch;
  /** `Block.mayBegin`. */
  mayBegin(): boolean;
}

export interface DataPathOptions {
  /** Blocks that are written at the same time. */
  readonly concurrency: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Blocks of requests that one sink has stored and another has not: their senders will send them to both again. */
  readonly halfStored?: Counter;
}

/** The stream of a receiver's blocks: derive, write to every sink, answer. One emission per block. */
export class DataPathFlow {
  readonly path: DataPath;
  readonly #sealed = new Subject<Delivery<SealedBlock>>();
  readonly #subscription: Subscription;
  /** Blocks by the delivery's batch, for telling the sinks after the commit. */
  readonly #derived = new WeakMap<SpanBatch, Block>();

  constructor(path: DataPath, options: DataPathOptions) {
    this.path = path;
    this.#subscription = settled(
      this.#sealed.pipe(concatMap((delivery) => this.#deriving(delivery))),
      path.sinks,
      options,
    ).subscribe();
  }

  /** True when a sink relies on blocks that are planned before they are written. */
  get isEffectOnce(): boolean {
    return this.path.sinks.some(({ effectOnce }) => effectOnce);
  }

  submit(delivery: Delivery<SealedBlock>): void {
    this.#sealed.next(delivery);
  }

  /** A bug that one block brings to light must not bring the lane down, again and again: the block is refused. */
  #deriving(delivery: Delivery<SealedBlock>): Observable<Delivery<Block>> {
    try {
      return of(withValue(delivery, this.#derive(delivery.value)));
    } catch (cause) {
      delivery.nack(
        new SpanweirError('REFUSED', `rows could not be derived: ${toError(cause).message}`, { cause }),
      );
      return EMPTY;
    }
  }

  /** To be called once the source has acknowledged the block, before its batch is used again. */
  committed(batch: SpanBatch): void {
    const block = this.#derived.get(batch);
    if (block !== undefined) for (const sink of this.path.sinks) sink.committed?.(block);
  }

  /** The block was put aside instead: it counts nowhere, whatever is acknowledged for it. */
  forget(batch: SpanBatch): void {
    this.#derived.delete(batch);
  }

  close(): void {
    this.#sealed.complete();
    this.#subscription.unsubscribe();
  }

  #derive(sealed: SealedBlock): Block {
    const { batch } = sealed;
    this.path.prepare?.(batch);
    const red = new Map<string, RedRows>();
    for (const [id, connector] of this.path.connectors) red.set(id, connector.derive(batch));
    const block: Block = {
      origin: sealed.origin,
      batch,
      red,
      throughput: this.path.throughput?.derive(batch),
      mayBegin: () => sealed.mayBegin(),
    };
    this.#derived.set(batch, block);
    return block;
  }
}

function settled(
  blocks: Observable<Delivery<Block>>,
  sinks: readonly BlockSink[],
  options: DataPathOptions,
): Observable<void> {
  return blocks.pipe(
    mergeMap(async (delivery) => {
      // All of them, even after one failed: the batch may not be used again while a sink still reads it.
      const outcomes = await Promise.allSettled(sinks.map((sink) => writeUntilSafe(sink, delivery, options)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed === undefined) return delivery.ack();
      const isStored = outcomes.some(({ status }, i) => status === 'fulfilled' && sinks[i]?.durable === true);
      if (isStored && delivery.value.origin.kind === 'request') options.halfStored?.add(1);
      delivery.nack(toError(failed.reason));
    }, options.concurrency),
  );
}

/**
 * A record of a log can be read again but never be given back, so its block is tried until it is safe or
 * refused for good. A request's sender is waiting and has its own retries: the first failure is its answer.
 */
function writeUntilSafe(sink: BlockSink, delivery: Delivery<Block>, options: DataPathOptions): Promise<void> {
  const { value: block, signal } = delivery;
  if (block.origin.kind === 'request') return sink.write(block, signal);
  return retrying(() => sink.write(block, signal), signal, {
    initialMs: 200,
    maxMs: 10_000,
    clock: options.clock,
    random: options.random,
    isFinal: (error) => error instanceof SpanweirError && FINAL_CODES.has(error.code),
    onFailure: (err, waitMs) =>
      options.log.warn({ err, sink: sink.id, waitMs }, 'a block could not be written; trying again'),
  });
}

const FINAL_CODES = new Set(['REFUSED', 'BAD_DATA', 'FENCED', 'STOPPING']);
