import type { HealthReporter, HealthStatus } from '../../base/instruments.ts';
import { withoutOverlaps } from '../../clickhouse/stored-blocks.ts';
import type { Block, LogPartition, StoredRange } from '../../flow/block.ts';
import type { BlockSink } from '../../flow/lane.ts';
import type { ClickHouseSink } from './clickhouse-sink.ts';
import type { ClusterConfig } from './cluster-config.ts';
import { shardOf } from './shard-choice.ts';

/** A sink per shard, in the order of the configuration; each block goes to one of them as to a single server. */
export class ShardedSink implements BlockSink {
  readonly id: string;
  readonly durable = true;
  readonly effectOnce: boolean;
  readonly blockWish: BlockSink['blockWish'];
  readonly #shards: ClusterConfig['shards'];
  readonly #sinks: readonly ClickHouseSink[];

  /** One sink per shard. */
  constructor(shards: ClusterConfig['shards'], sinks: readonly [ClickHouseSink, ...ClickHouseSink[]]) {
    const [{ blockWish, effectOnce, id }] = sinks;
    this.id = id;
    this.effectOnce = effectOnce;
    this.blockWish = blockWish;
    this.#shards = shards;
    this.#sinks = sinks;
  }

  async start(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#sinks.map((sink) => sink.stop()));
  }

  /** A partition's blocks may lie on several shards when some were added: all are asked. */
  async stored(source: LogPartition, fromOffset: number): Promise<StoredRange[]> {
    const found = await Promise.all(this.#sinks.map((sink) => sink.stored(source, fromOffset)));
    const inOrder = (a: StoredRange, b: StoredRange): number =>
      a.firstOffset - b.firstOffset || a.lastTimestampMs - b.lastTimestampMs;
    return withoutOverlaps(found.flat().sort(inOrder));
  }

  async write(block: Block, signal: AbortSignal): Promise<void> {
    const sink = this.#sinks[shardOf(block.origin, this.#shards)] as ClickHouseSink;
    await sink.write(block, signal);
  }
}

const WORST_FIRST: readonly HealthStatus[] = [
  'broken',
  'recoverable',
  'starting',
  'stopping',
  'stopped',
  'ok',
];

/** What each shard's sink reports becomes what the worst of them feels. */
export function healthOfShards(health: HealthReporter, shards: number): HealthReporter[] {
  const told = Array.from({ length: shards }, (): [HealthStatus, string | undefined] => ['ok', undefined]);
  return told.map((_, i) => ({
    report: (status, reason) => {
      told[i] = [status, reason];
      const [worst] = [...told].sort(([a], [b]) => WORST_FIRST.indexOf(a) - WORST_FIRST.indexOf(b));
      health.report(...(worst as [HealthStatus, string | undefined]));
    },
  }));
}
