import type { Component, ComponentContext } from '../base/component.ts';
import type { RedRows } from '../red/red-rows.ts';
import type { SeriesTable } from '../red/series-table.ts';
import type { ThroughputRows } from '../sampling/roots/throughput-rows.ts';
import type { Dictionary } from '../span/dictionary.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import type { Block, LogPartition, StoredRange } from './block.ts';
import type { Intake } from './intake.ts';
import type { PartitionProgress } from './lane-progress.ts';

/**
 * A lane is one ingest thread: it owns partitions (or a share of the requests) and runs the whole data path
 * without sharing anything. A component of the configuration may have a half in each lane, a half in the
 * main thread, or both; the halves speak by plain messages.
 */
export interface LaneContext extends ComponentContext {
  /** 0-based. */
  readonly lane: number;
  readonly lanes: number;
  /** Of the code (BLOCK_REVISION) and settings that turn records into rows: 32 bits, equal in all processes. */
  readonly revision: number;
  readonly dictionary: Dictionary;
  /** To the main half of a component, `kind:id` (`MainContext.onLaneMessage`). */
  post(component: string, message: unknown, transfer?: readonly ArrayBuffer[]): void;
}

/** Reads records from somewhere and offers them to the intake; acknowledges upstream what the intake settles. */
export interface LaneReceiver extends Component {
  /** Stops taking anything new; what was offered may still settle. */
  quiesce(): void;
  /** To be asked every second or so. Undefined when nothing waits, or when it is known, and told as health, what for. */
  stalled?(): Stall | undefined;
  /** How far its partitions are; undefined while it does not know which they are. */
  progress?(nowMs: number): readonly PartitionProgress[] | undefined;
}

/** Something waits to be read, written or committed, and does not move. */
export interface Stall {
  /** For how long no partition has moved. */
  readonly allMs: number;
  /** The partition that has not moved for longest, and for how long. */
  readonly partition: LogPartition;
  readonly partitionMs: number;
}

export type CreateLaneReceiver<C> = (config: C, context: LaneContext, intake: Intake) => LaneReceiver;

/** Looks at spans and leaves them as they are. */
export interface ThroughputProcessor {
  /** Pure and synchronous. */
  derive(batch: SpanBatch): ThroughputRows;
}

/** Turns spans into RED rows. */
export interface RedConnector {
  readonly series: SeriesTable;
  /** Of `RedRows.events`, where events are counted. */
  readonly eventSeries?: SeriesTable | undefined;
  /** Upper bounds of the explicit histogram in `unit`; empty = no histogram. */
  readonly bounds: readonly number[];
  /** Names of the configured dimensions, in the order of SeriesKey.dimensions. */
  readonly dimensions: readonly string[];
  /** Pure and synchronous. The rows are the caller's own: several blocks may be on their way at once. */
  derive(batch: SpanBatch): RedRows;
}

/** Signals that an exporter gets from the pipelines it stands in. */
export interface SinkInputs {
  readonly spans: boolean;
  readonly throughput: boolean;
  /** Connectors whose rows it gets, by id. */
  readonly red: ReadonlyMap<string, RedConnector>;
}

/** The lane half of an exporter. */
export interface BlockSink extends Component {
  /** True when `write` resolves only after the block is durable. */
  readonly durable: boolean;
  /**
   * True when writing the same block twice has the effect of writing it once. Its blocks are made known to the
   * broker before they are written, are formed again as they were after a crash, and come one at a time and in
   * order from each partition.
   */
  readonly effectOnce: boolean;
  /**
   * What the sink remembers of a partition from `fromOffset` on, ascending: asked where a committed position
   * came without a plan, or with one that says so. Rejects like `write`.
   */
  stored?(source: LogPartition, fromOffset: number, signal: AbortSignal): Promise<StoredRange[]>;
  /**
   * Resolves when the block is safe (or was never this sink's business). Retries by itself as long as that
   * can help; rejects with a SpanweirError when the block must not be acknowledged. Aborted = give up. Nothing
   * is sent once `block.mayBegin()` says no: the write is rejected with FENCED.
   */
  write(block: Block, signal: AbortSignal): Promise<void>;
  /** The source has acknowledged the block: called once per block, never for a dropped one. Synchronous. */
  committed?(block: Block): void;
  /** What suits this sink best; the intake takes the largest wish within its limits. */
  readonly blockWish: { readonly spans: number; readonly lingerMs: number };
}

export type CreateBlockSink<C> = (config: C, context: LaneContext, inputs: SinkInputs) => BlockSink;
