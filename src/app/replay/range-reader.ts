import type { Clock } from '../../base/clock.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import type { Log } from '../../base/instruments.ts';
import type { SourceRecord } from '../../flow/intake.ts';
import type { Assignment } from '../../kafka/assignment.ts';
import type { KafkaClient } from '../../kafka/client.ts';
import { kafkaError } from '../../kafka/errors.ts';
import type { FetchedBatch, TroubledRange } from '../../kafka/fetched-batch.ts';
import { GroupMember } from '../../kafka/group-member.ts';
import type { GroupOptions, GroupOwner } from '../../kafka/group-owner.ts';
import type { Position } from '../../kafka/positions.ts';
import type { WorkRange } from './ranges.ts';

/** What is to be read of one partition: ranges that ascend and are disjoint. */
export interface PartitionRanges {
  readonly topic: string;
  readonly partition: number;
  readonly ranges: readonly WorkRange[];
}

/** Who gets the records; of one partition nothing is called before the call before has resolved. */
export interface RangeTaker {
  begin(of: PartitionRanges, range: WorkRange): void;
  /** Their bytes are valid until the call has returned, not until it resolves. */
  take(of: PartitionRanges, records: readonly SourceRecord[]): Promise<void>;
  /** A batch that can't be read and is passed over. */
  unreadable(of: PartitionRanges, trouble: TroubledRange): Promise<void>;
  /** All of the range was read. */
  end(of: PartitionRanges, range: WorkRange): Promise<void>;
}

interface Cursor {
  readonly of: PartitionRanges;
  /** Of the range that is being read. */
  index: number;
  hasBegun: boolean;
  nextOffset: number;
  corruptTries: number;
}

const CORRUPT_TRIES = 3;
const LIVES = 5;

export type ReaderOptions = Omit<GroupOptions, 'topics' | 'beginsAt'>;

/**
 * Reads ranges of partitions. kafkajs reads as a member of a group only, so this is the only member of a group
 * of its own, whose name nobody else has; where each fetch begins is told to it.
 */
export class RangeReader implements GroupOwner {
  readonly #cursors = new Map<string, Cursor>();
  readonly #taker: RangeTaker;
  readonly #options: ReaderOptions;
  readonly #env: { readonly clock: Clock; readonly log: Log };
  #member: GroupMember | undefined;
  #failure: Error | undefined;

  constructor(
    work: readonly PartitionRanges[],
    taker: RangeTaker,
    options: ReaderOptions,
    env: { readonly clock: Clock; readonly log: Log },
  ) {
    this.#taker = taker;
    this.#options = options;
    this.#env = env;
    for (const of of work) {
      const nextOffset = of.ranges[0]?.first;
      if (nextOffset === undefined) continue;
      const cursor = { of, index: 0, hasBegun: false, nextOffset, corruptTries: 0 };
      this.#cursors.set(`${of.topic}/${of.partition}`, cursor);
    }
  }

  /** Resolves when all is read, or `stop` aborts; rejects with what makes going on impossible. */
  async run(kafka: KafkaClient, stop: AbortSignal): Promise<void> {
    const topics = [...new Set(Array.from(this.#cursors.values(), ({ of }) => of.topic))];
    const { clock, log } = this.#env;
    for (let lives = 1; this.#isUnfinished() && !stop.aborted; lives++) {
      const options: GroupOptions = { ...this.#options, topics, beginsAt: () => 'earliest' };
      const member = new GroupMember(kafka, options, this, this.#env);
      this.#member = member;
      const leave = (): void => void member.stop(AbortSignal.timeout(5000));
      stop.addEventListener('abort', leave, { once: true });
      const error = await member.run();
      stop.removeEventListener('abort', leave);
      if (this.#failure !== undefined) throw this.#failure;
      if (error === undefined) continue;
      if (lives === LIVES) throw error;
      log.warn({ err: error }, 'reading broke off; going on where it was');
      await clock.sleep(500 * lives, stop);
    }
  }

  assigned(assignment: Assignment): void {
    for (const { topic, partition } of assignment.positions) {
      const cursor = this.#cursors.get(`${topic}/${partition}`);
      if (cursor === undefined) this.#member?.pause(topic, partition);
      else this.#member?.goOnAt(topic, partition, cursor.nextOffset);
    }
  }

  async settle(): Promise<void> {}

  drop(): void {}

  async take(batch: FetchedBatch): Promise<void> {
    const cursor = this.#cursors.get(`${batch.topic}/${batch.partition}`);
    if (cursor === undefined || Number(batch.fetchedOffset) !== cursor.nextOffset) return;
    try {
      await this.#pass(cursor, batch);
    } catch (error) {
      this.#fail(toError(error));
    }
  }

  moved({ topic, partition, offset }: Position): boolean {
    if (!this.#cursors.has(`${topic}/${partition}`)) return false;
    const text = `${topic}/${partition}: Kafka has deleted records while they were read (its log begins at ${offset})`;
    this.#fail(new SpanweirError('UNAVAILABLE', `${text}: run it again`));
    return false;
  }

  async #pass(cursor: Cursor, batch: FetchedBatch): Promise<void> {
    let records: readonly SourceRecord[] = batch.records;
    const reached = (offset: number): boolean => batch.nextOffset > offset;
    for (let range = rangeOf(cursor); range !== undefined; range = rangeOf(cursor)) {
      const { first, last } = range;
      if (!cursor.hasBegun) this.#taker.begin(cursor.of, range);
      cursor.hasBegun = true;
      const within = records.filter(({ offset }) => offset >= first && offset <= last);
      records = records.filter(({ offset }) => offset > last);
      if (within.length > 0) await this.#taker.take(cursor.of, within);
      cursor.nextOffset = Math.min(batch.nextOffset, last + 1);
      if (!reached(last)) break;
      await this.#taker.end(cursor.of, range);
      cursor.index += 1;
      cursor.hasBegun = false;
      cursor.nextOffset = rangeOf(cursor)?.first ?? cursor.nextOffset;
      // What comes next is not in this batch.
      if (!reached(cursor.nextOffset)) break;
    }
    const { topic, partition } = cursor.of;
    if (rangeOf(cursor) === undefined) return this.#finish(cursor);
    if (batch.trouble === undefined) batch.release();
    else if (cursor.nextOffset === batch.nextOffset) await this.#skip(cursor, batch.trouble);
    this.#member?.goOnAt(topic, partition, cursor.nextOffset);
  }

  async #skip(cursor: Cursor, trouble: TroubledRange): Promise<void> {
    if (trouble.kind === 'corrupt' && cursor.corruptTries++ < CORRUPT_TRIES) return;
    cursor.corruptTries = 0;
    await this.#taker.unreadable(cursor.of, trouble);
    const last = rangeOf(cursor)?.last ?? trouble.lastOffset;
    if (trouble.lastOffset < last) {
      cursor.nextOffset = trouble.lastOffset + 1;
      return;
    }
    await this.#taker.end(cursor.of, rangeOf(cursor) as WorkRange);
    cursor.index += 1;
    cursor.hasBegun = false;
    const next = rangeOf(cursor);
    if (next === undefined) this.#finish(cursor);
    else cursor.nextOffset = next.first;
  }

  #finish({ of }: Cursor): void {
    this.#member?.pause(of.topic, of.partition);
    this.#cursors.delete(`${of.topic}/${of.partition}`);
    if (!this.#isUnfinished()) void this.#member?.stop(AbortSignal.timeout(5000));
  }

  #isUnfinished(): boolean {
    return this.#cursors.size > 0;
  }

  #fail(error: Error): void {
    this.#failure ??= error instanceof SpanweirError ? error : kafkaError(error, 'reading');
    void this.#member?.stop(AbortSignal.timeout(5000));
  }
}

function rangeOf({ of, index }: Cursor): WorkRange | undefined {
  return of.ranges[index];
}
