import { SpanweirError } from '../base/errors.ts';
import type { KafkaClient } from './client.ts';
import { failureOf, kafkaError } from './errors.ts';
import { FetchedBatch, type PartitionData } from './fetched-batch.ts';

/** What one partition holds: offsets from `low` up to `high`, exclusive. */
export interface PartitionEnds {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

const FETCH_BYTES = 4 << 20;
const MAX_WAIT_MS = 500;
const READ_COMMITTED = 1;
const TRIES = 6;

/** Reads partitions without a consumer group: nothing is joined, committed or left behind. */
export class LogReader {
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  static async open(kafka: KafkaClient): Promise<LogReader> {
    const cluster = createCluster(kafka);
    await asOurs('reaching the brokers', () => cluster.connect());
    return new LogReader(cluster);
  }

  async close(): Promise<void> {
    await this.#cluster.disconnect();
  }

  /**
   * By partition number; what an open transaction holds back lies behind `high`. Rejects with UNAVAILABLE when there
   * is no such topic.
   */
  async ends(topic: string): Promise<PartitionEnds[]> {
    const lows = await this.#offsets(topic, { fromBeginning: true });
    const highs = await this.#offsets(topic, { fromBeginning: false });
    return [...lows].map(([partition, low]) => ({ partition, low, high: highs.get(partition) ?? low }));
  }

  /** The first offset of each partition whose record is not older than `timestampMs`; the end where all are. */
  async offsetsAt(topic: string, timestampMs: number): Promise<ReadonlyMap<number, number>> {
    const found = await this.#offsets(topic, { fromTimestamp: timestampMs });
    const highs = await this.#offsets(topic, { fromBeginning: false });
    return new Map(
      [...found].map(([partition, offset]) => [partition, offset < 0 ? (highs.get(partition) ?? 0) : offset]),
    );
  }

  /**
   * What the partition holds in [from, to), a fetch at a time; the last one may go on behind `to`. A range that can't
   * be read comes as a batch with `trouble`, and reading goes on behind it.
   */
  async *read(
    topic: string,
    partition: number,
    range: { from: number; to: number },
  ): AsyncGenerator<FetchedBatch> {
    for (let offset = range.from; offset < range.to; ) {
      const at = offset;
      const batch = await this.fetch(topic, partition, at);
      yield batch;
      offset = Math.max(batch.nextOffset, (batch.trouble?.lastOffset ?? -1) + 1);
      if (offset === at) throw new SpanweirError('UNAVAILABLE', `${topic}/${partition} has nothing at ${at}`);
    }
  }

  /** What is committed at `offset` and behind it; comes empty when so long a wait brings nothing. */
  async fetch(
    topic: string,
    partition: number,
    offset: number,
    maxWaitTime = MAX_WAIT_MS,
  ): Promise<FetchedBatch> {
    return await this.#retried(topic, () => this.#fetch({ topic, partition, offset, maxWaitTime }));
  }

  async #fetch(what: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
    readonly maxWaitTime: number;
  }): Promise<FetchedBatch> {
    const { topic, partition, offset, maxWaitTime } = what;
    const [nodeId] = Object.keys(this.#cluster.findLeaderForPartitions(topic, [partition]));
    if (nodeId === undefined) throw new SpanweirError('BAD_DATA', `${topic} has no partition ${partition}`);
    const broker = await this.#cluster.findBroker({ nodeId });
    const partitions = [{ partition, fetchOffset: String(offset), maxBytes: FETCH_BYTES }];
    const { responses } = await broker.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topic, partitions }],
    });
    const data = responses[0]?.partitions[0];
    if (data === undefined) throw new Error('an empty response');
    return new FetchedBatch(topic, String(offset), data);
  }

  async #offsets(topic: string, which: OffsetChoice): Promise<Map<number, number>> {
    return await this.#retried(topic, async () => {
      await this.#cluster.addTargetTopic(topic);
      const partitions = this.#cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => ({ partition: partitionId }))
        .sort((a, b) => a.partition - b.partition);
      const [found] = await this.#cluster.fetchTopicsOffset([{ topic, partitions, ...which }]);
      const offsets = (found?.partitions ?? []).map(
        ({ partition, offset }) => [partition, Number(offset)] as const,
      );
      return new Map(offsets.sort(([a], [b]) => a - b));
    });
  }

  /** A leader that has moved, or a connection that has gone, is worth another look. */
  async #retried<T>(topic: string, work: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (error) {
        const isFinal = error instanceof SpanweirError || FINAL.has(failureOf(error).type ?? '');
        if (isFinal || tries === TRIES) throw kafkaError(error, `reading ${topic}`);
        await this.#cluster.refreshMetadata().catch(() => {});
      }
    }
  }
}

const FINAL = new Set(['OFFSET_OUT_OF_RANGE', 'TOPIC_AUTHORIZATION_FAILED', 'UNKNOWN_TOPIC_OR_PARTITION']);

async function asOurs<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw kafkaError(error, doing);
  }
}

type OffsetChoice = { readonly fromBeginning: boolean } | { readonly fromTimestamp: number };

/** The parts of kafkajs' Cluster and Broker that are used here. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findTopicPartitionMetadata(topic: string): { readonly partitionId: number }[];
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
  findBroker(query: { nodeId: string }): Promise<Broker>;
  fetchTopicsOffset(
    topics: readonly ({ topic: string; partitions: readonly { partition: number }[] } & OffsetChoice)[],
  ): Promise<{ partitions: { partition: number; offset: string }[] }[]>;
}

interface Broker {
  fetch(request: object): Promise<{ responses: { partitions: PartitionData[] }[] }>;
}

/** kafkajs keeps the way to make a Cluster under a symbol of its own. */
function createCluster(kafka: KafkaClient): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  if (symbol === undefined) throw new SpanweirError('START', 'kafkajs makes its clusters in an unknown way');
  const create = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[symbol];
  return (create as (options: object) => Cluster)({
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    isolationLevel: READ_COMMITTED,
  });
}
