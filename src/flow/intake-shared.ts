import type { Clock } from '../base/clock.ts';
import type { Counter, Log, Timer } from '../base/instruments.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import type { BatchPool } from './batch-pool.ts';
import type { Budget } from './budget.ts';
import type { DataPathFlow } from './data-path.ts';
import type { Encoding } from './intake.ts';
import { OpenBlock } from './open-block.ts';

/**
 * Appends one payload to the batch and returns the number of its spans. Throws a SpanweirError with code
 * BAD_DATA when the bytes are not what they claim to be; the batch is then as it was.
 */
export type Scan = (
  batch: SpanBatch,
  payload: Uint8Array,
  encoding: Encoding,
  record: { readonly offset: number; readonly timestampMs: number },
) => number;

export interface BlockLimits {
  readonly maxSpans: number;
  readonly maxBytes: number;
  /** 0 = a block is sealed at the end of every offer. */
  readonly lingerMs: number;
}

export interface IntakeInstruments {
  readonly records: Counter;
  readonly spans: Counter;
  readonly bytes: Counter;
  readonly tombstones: Counter;
  readonly quarantined: (reason: string) => Counter;
  readonly blocks: (outcome: 'committed' | 'dropped' | 'refused') => Counter;
  /** From a block's first record to its commit. */
  readonly blockDuration: Timer;
  /** Blocks that an earlier owner planned. */
  readonly reformed: Counter;
  /** Of them, those that the log does not hold any more as they were planned. */
  readonly changed: (how: 'fewer_records' | 'more_records' | 'other_log') => Counter;
  /** Records that were stored already when the position came without a plan. */
  readonly passedOver: Counter;
  /** Partitions that wait for a newer release to finish its plan. */
  readonly held: Counter;
}

/** What the intakes of one receiver in one lane have in common. */
export interface IntakeDeps {
  readonly flow: DataPathFlow;
  readonly pool: BatchPool;
  readonly budget: Budget;
  readonly limits: BlockLimits;
  readonly scan: Scan;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly instruments: IntakeInstruments;
}

/** Counts a block that is committed. */
export function countCommitted({ clock, instruments }: IntakeDeps, { openedAtMs }: OpenBlock): void {
  instruments.blocks('committed').add(1);
  instruments.blockDuration.record((clock.monotonicMs() - openedAtMs) / 1000);
}

/** @param comingBytes that are there for it already; undefined = as many as it can have */
export function openBlock(deps: IntakeDeps, comingBytes?: number): OpenBlock {
  return new OpenBlock(deps.pool.take(comingBytes), deps.clock.monotonicMs(), deps.budget);
}

/** The block's memory goes back; nobody may look at its batch any more. */
export function releaseBlock(deps: IntakeDeps, block: OpenBlock): void {
  block.release();
  deps.pool.give(block.batch);
}

export function isFull(batch: SpanBatch, limits: BlockLimits): boolean {
  return batch.spans >= limits.maxSpans || batch.arenaUsed >= limits.maxBytes;
}

/** A payload that can't be scanned says why in a word, for the counter and the dead letter. */
export function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'reason' in error && typeof error.reason === 'string') {
    return error.reason;
  }
  return 'undecodable';
}
