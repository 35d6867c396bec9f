import { randomUUID } from 'node:crypto';
import { systemClock } from '../../base/clock.ts';
import type { ComponentContext } from '../../base/component.ts';
import { toError } from '../../base/errors.ts';
import type { ClickHouse } from '../../clickhouse/client.ts';
import type { LoadedConfig } from '../../config/loaded-config.ts';
import type { DataPath } from '../../flow/data-path.ts';
import type { BlockSink, LaneContext } from '../../flow/lane.ts';
import { createKafka, type KafkaClient } from '../../kafka/client.ts';
import { countersOf } from '../../receivers/kafka/counters.ts';
import { openDeadLetters } from '../../receivers/kafka/dead-letter-places.ts';
import type { DeadLetter, DeadLetters } from '../../receivers/kafka/dead-letters.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import type { CommandIo } from '../commands/command.ts';
import { DataPaths } from '../data-paths.ts';
import { BlockFormer } from './block-former.ts';
import type { Ledger } from './ledger.ts';
import { countInto, type Tally } from './progress.ts';
import { type PartitionRanges, RangeReader } from './range-reader.ts';
import { ReplaySink } from './replay-sink.ts';
import type { ReplayTarget } from './target.ts';
import { withAdmin } from './topic-view.ts';

const READ_BYTES = 8 << 20;
const CLOSE_MS = 20_000;

/** What one run of the command works with. */
export interface ReplaySession {
  readonly target: ReplayTarget;
  readonly client: ClickHouse;
  readonly kafka: KafkaClient;
  readonly io: CommandIo;
  readonly stop: AbortSignal;
}

export async function openSession(
  target: ReplayTarget,
  client: ClickHouse,
  io: CommandIo,
  stop: AbortSignal,
): Promise<ReplaySession> {
  const kafka = await createKafka(target.kafka, { log: io.log, clock: io.clock });
  return { target, client, kafka, io, stop };
}

export interface FormOptions {
  readonly clusterId: string;
  readonly work: readonly PartitionRanges[];
  /**
   * With a ledger each table is looked at first, and gets what it lacks, or ('weigh') nothing yet. Otherwise the
   * configuration of which the exporter's database is an empty one.
   */
  readonly into: { readonly ledger: Ledger; readonly mode: 'weigh' | 'fill' } | LoadedConfig;
  readonly tally: Tally;
}

/**
 * Reads the ranges, forms their blocks as a lane of this configuration would, and has them written. Ends early, in
 * order, when the session is stopped.
 */
export async function formBlocks(session: ReplaySession, options: FormOptions): Promise<void> {
  const { target, io, stop } = session;
  const { clusterId, into, tally, work } = options;
  const config = 'ledger' in into ? target.config : into;
  const instruments = createInstruments(() => {});
  const contextFor = (_key: string, id: string): ComponentContext => ({
    id,
    clock: systemClock,
    random: Math.random,
    log: io.log,
    instruments,
    health: { report: () => {} },
  });
  const { revision } = target;
  const paths = new DataPaths(config, contextFor, { lane: 0, lanes: 1, revision, post: () => {} });
  const formed = paths.create(target.plan);
  const path =
    'ledger' in into
      ? { ...formed, sinks: [lookingFirst(session, paths, formed, { ...into, tally })] }
      : formed;
  const letters = new LateLetters(session, paths.context('receiver', target.receiver));
  const former = new BlockFormer({
    paths,
    path,
    clusterId,
    kafka: target.kafka,
    revision,
    maxInFlightBytes: config.service.spanweir.block.maxInFlightBytes,
    // What is formed for the second time was put aside the first time.
    putAside: (letter) =>
      'ledger' in into && into.mode === 'fill' ? letters.put(letter) : Promise.resolve(),
    instruments: countInto(tally),
    stop,
  });
  const sinks = new Set([...formed.sinks, ...path.sinks]);
  for (const sink of sinks) await sink.start();
  try {
    await readRanges(session, work, former);
  } finally {
    await former.close();
    const deadline = { signal: AbortSignal.timeout(CLOSE_MS), remainingMs: () => CLOSE_MS };
    for (const sink of sinks) await sink.stop(deadline);
    await letters.stop();
  }
}

/** Instead of the exporter's own sink: it believes that nothing is there. */
function lookingFirst(
  { target, client, io }: ReplaySession,
  paths: DataPaths,
  { sinks: [engine] }: DataPath,
  {
    tally,
    ledger,
    mode,
  }: { readonly tally: Tally; readonly ledger: Ledger; readonly mode: 'weigh' | 'fill' },
): BlockSink {
  const { id } = target.exporter;
  const of = target.plan.exporters[0];
  const { dictionary } = paths.context('exporter', id);
  return new ReplaySink({
    id,
    client,
    dictionary,
    inputs: {
      spans: of?.spans ?? false,
      throughput: of?.throughput ?? false,
      red: new Map((of?.red ?? []).map((connector) => [connector, paths.connector(connector)])),
    },
    blockWish: engine?.blockWish ?? { spans: 0, lingerMs: 0 },
    clock: io.clock,
    log: io.log,
    ledger,
    mode,
    doubtful: (origin, why) => {
      const { topic, partition, firstOffset, lastOffset } = origin;
      tally.doubts.push(`${topic}/${partition} ${firstOffset}-${lastOffset}: ${why}`);
    },
    completed: () => {
      tally.completed += 1;
    },
  });
}

/** Dead letters as the receiver keeps them; nothing is made before the first one. */
class LateLetters {
  readonly #letters: DeadLetters;
  #prepared: Promise<void> | undefined;

  constructor({ target, kafka }: ReplaySession, context: LaneContext) {
    this.#letters = openDeadLetters(kafka, target.kafka.dead_letter, context, countersOf(context));
  }

  async put(letter: DeadLetter): Promise<void> {
    this.#prepared ??= this.#letters.prepare();
    await this.#prepared;
    await this.#letters.put(letter);
  }

  async stop(): Promise<void> {
    if (this.#prepared !== undefined) await this.#letters.stop();
  }
}

/** Reads as the only member of a group that nobody else has and that is deleted afterwards. */
async function readRanges(
  { target, kafka, io, stop }: ReplaySession,
  work: readonly PartitionRanges[],
  former: BlockFormer,
): Promise<void> {
  const { kafka: config } = target;
  const groupId = `${config.group_id}-replay-${randomUUID()}`;
  const reader = new RangeReader(
    work,
    former,
    {
      groupId,
      sessionTimeoutMs: Math.max(30_000, config.session_timeout),
      heartbeatIntervalMs: 3000,
      minBytes: 1,
      maxBytes: Math.max(READ_BYTES, config.max_fetch_size),
      maxBytesPerPartition: config.max_partition_fetch_size,
      maxWaitMs: config.max_fetch_wait,
      rackId: config.rack_id,
      metadataMaxAgeMs: config.metadata.refresh_interval,
      retries: config.metadata.retry.max,
    },
    io,
  );
  try {
    await reader.run(kafka, stop);
  } finally {
    await withAdmin(kafka, (admin) => admin.deleteGroups([groupId])).catch((error: unknown) =>
      // Without members and offsets the broker forgets it by itself.
      io.log.debug({ err: toError(error), groupId }, 'the group of this replay could not be deleted'),
    );
  }
}
