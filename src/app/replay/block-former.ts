import { setMaxListeners } from 'node:events';
import { SpanweirError } from '../../base/errors.ts';
import { encodePlan } from '../../flow/block-plan.ts';
import { Budget } from '../../flow/budget.ts';
import type { DataPath } from '../../flow/data-path.ts';
import type { PartitionSource, QuarantinedRecord, SourceRecord } from '../../flow/intake.ts';
import type { IntakeDeps, IntakeInstruments } from '../../flow/intake-shared.ts';
import { LanePartitionIntake } from '../../flow/partition-intake.ts';
import type { TroubledRange } from '../../kafka/fetched-batch.ts';
import { encodingOf, type KafkaReceiverConfig } from '../../receivers/kafka/config.ts';
import type { DeadLetter } from '../../receivers/kafka/dead-letters.ts';
import { withHeaders } from '../../receivers/kafka/header-extraction.ts';
import type { DataPaths } from '../data-paths.ts';
import type { PartitionRanges, RangeTaker } from './range-reader.ts';
import type { WorkRange } from './ranges.ts';

export interface FormerOptions {
  readonly paths: DataPaths;
  readonly path: DataPath;
  readonly clusterId: string;
  readonly kafka: KafkaReceiverConfig;
  readonly revision: number;
  readonly maxInFlightBytes: number;
  /** Records that can't be read, and whole batches of them. */
  putAside(letter: DeadLetter): Promise<void>;
  readonly instruments: IntakeInstruments;
  readonly stop: AbortSignal;
}

/** Longest that blocks are finished after a stop. */
const STOP_MS = 20_000;

interface Open {
  readonly intake: LanePartitionIntake;
  readonly whole: boolean;
  /** To its end. */
  isRead: boolean;
}

/** Forms blocks of exactly the ranges that were read and has them written, by the engine's own intake. */
export class BlockFormer implements RangeTaker {
  readonly #options: FormerOptions;
  readonly #deps: IntakeDeps;
  /** For ranges that become one block, however large. */
  readonly #wholeDeps: IntakeDeps;
  readonly #open = new Map<string, Open>();
  /** Aborts when blocks that were begun have had their time after a stop. */
  readonly #giveUp = new AbortController();
  #failure: Error | undefined;

  constructor(options: FormerOptions) {
    this.#options = options;
    setMaxListeners(0, options.stop, this.#giveUp.signal);
    const limit = (): void => {
      AbortSignal.timeout(STOP_MS).addEventListener('abort', () => this.#giveUp.abort(), { once: true });
    };
    if (options.stop.aborted) limit();
    options.stop.addEventListener('abort', limit, { once: true });
    const { paths, path, instruments, maxInFlightBytes } = options;
    const context = paths.context('command', 'replay');
    this.#deps = paths.intakeDeps(path, new Budget(maxInFlightBytes), context, instruments);
    const unlimited = { maxSpans: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };
    const limits = { ...this.#deps.limits, ...unlimited };
    this.#wholeDeps = { ...this.#deps, budget: new Budget(Number.POSITIVE_INFINITY), limits };
  }

  begin(of: PartitionRanges, range: WorkRange): void {
    const source = this.#source(of, range);
    const intake = new LanePartitionIntake(source, range.whole ? this.#wholeDeps : this.#deps, {
      relieve: () => {
        for (const open of this.#open.values()) if (!open.whole) open.intake.seal();
      },
      hasTurn: () => true,
      closed: () => {},
    });
    this.#open.set(keyOf(of), { intake, whole: range.whole, isRead: false });
  }

  async take(of: PartitionRanges, records: readonly SourceRecord[]): Promise<void> {
    const { kafka } = this.#options;
    const { extract_headers, headers } = kafka.header_extraction;
    const prepared = extract_headers
      ? records.map((record) => withHeaders(record, headers, encodingOf(kafka)))
      : records;
    const offered = this.#open.get(keyOf(of))?.intake.offer(prepared);
    await offered;
    this.#check();
  }

  async unreadable(of: PartitionRanges, trouble: TroubledRange): Promise<void> {
    const { topic, partition } = of;
    const { clusterId } = this.#options;
    const record = { offset: trouble.firstOffset, timestampMs: 0, key: null, value: trouble.bytes };
    const { lastOffset } = trouble;
    const reason = `batch_${trouble.kind}`;
    await this.#options.putAside({ clusterId, topic, partition, record, lastOffset, reason });
    this.#open.get(keyOf(of))?.intake.skipTo(lastOffset + 1);
  }

  /** Resolves when all blocks of the range are safe. */
  async end(of: PartitionRanges, { last }: WorkRange): Promise<void> {
    const open = this.#open.get(keyOf(of));
    if (open === undefined) return;
    const { intake } = open;
    open.isRead = true;
    intake.skipTo(last + 1);
    await intake.drain(this.#giveUp.signal);
    intake.drop();
    this.#open.delete(keyOf(of));
    this.#check();
  }

  /** What is open is finished as far as it was read, or forgotten where it has to be whole. */
  async close(): Promise<void> {
    for (const { intake, isRead, whole } of this.#open.values()) {
      if ((isRead || !whole) && this.#failure === undefined) await intake.drain(this.#giveUp.signal);
      intake.drop();
    }
    this.#open.clear();
    this.#deps.flow.close();
    this.#check();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Like a lane's partition whose group has nobody else and whose position nobody keeps. */
  #source(of: PartitionRanges, range: WorkRange): PartitionSource {
    const { clusterId, kafka, revision } = this.#options;
    const { topic, partition } = of;
    return {
      clusterId,
      topic,
      partition,
      revision,
      encoding: encodingOf(kafka),
      // With a plan that names nothing: what is stored was looked up already.
      position: { offset: range.first, metadata: encodePlan({ from: range.first, blocks: [] }) },
      mayBegin: () => true,
      commit: () => Promise.resolve('committed'),
      quarantine: (record: QuarantinedRecord) =>
        this.#options.putAside({ ...record, clusterId, topic, partition }),
      abandoned: (error) => {
        this.#failure ??= new SpanweirError('UNAVAILABLE', `${topic}/${partition}: ${error.message}`, {
          cause: error,
        });
      },
    };
  }
}

function keyOf({ topic, partition }: PartitionRanges): string {
  return `${topic}/${partition}`;
}
