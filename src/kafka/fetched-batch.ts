import type { SourceRecord } from '../flow/intake.ts';
import type { FetchedBytes } from './fetch-sizes.ts';
import { FetchedMessages, type Held, toMessage } from './fetched-messages.ts';
import type { BatchTrouble, RecordBatch } from './record-batch.ts';

/** One partition's part of a fetch response, as kafkajs' ConsumerGroup hands it to its Batch class. */
export interface PartitionData {
  readonly partition: number;
  readonly highWatermark: string;
  /** An array is what kafkajs' own decoder made of an old message set (magic 0 and 1). */
  readonly messages: FetchedMessages | readonly OldMessage[];
  readonly abortedTransactions?: readonly AbortedTransaction[] | null;
}

export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

interface OldMessage {
  readonly offset: string;
  readonly timestamp?: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/**
 * Stands in for kafkajs' Batch. A group that is driven by our GroupMember reads `records` and `nextOffset`;
 * any other kafkajs consumer in the process finds the messages that it expects.
 */
export class FetchedBatch {
  readonly topic: string;
  readonly partition: number;
  readonly highWatermark: string;
  readonly fetchedOffset: string;
  /** Committed data at or after the fetched offset, ascending. */
  readonly records: SourceRecord[] = [];
  /** Where to go on: past control records, aborted transactions and compacted gaps, before trouble. */
  readonly nextOffset: number;
  /** What could not be read, at `nextOffset`. */
  readonly trouble: TroubledRange | undefined;
  /** The assignment under which the fetch was sent; set for our own groups only. */
  assignment: object | undefined = undefined;
  readonly bytes: FetchedBytes;
  readonly #view: MessageView;
  #held: readonly Held[];

  constructor(topic: string, fetchedOffset: string, data: PartitionData) {
    this.topic = topic;
    this.partition = data.partition;
    this.highWatermark = data.highWatermark;
    this.fetchedOffset = fetchedOffset;
    const from = Number(fetchedOffset);
    const { messages } = data;
    const batches = messages instanceof FetchedMessages ? messages.batches : fromOldMessages(messages);
    this.bytes = messages instanceof FetchedMessages ? messages.bytes : { sentBytes: 0, leftBytes: 0 };
    this.#held = messages instanceof FetchedMessages ? messages.held : [];
    const end = collect(batches, data.abortedTransactions ?? [], from, this.records);
    this.nextOffset = end.nextOffset;
    this.trouble = end.trouble;
    this.#view = new MessageView(this.records, this.trouble);
  }

  /** The bytes of `records` were copied and may be written over. Never called while `trouble` is still needed. */
  release(): void {
    for (const held of this.#held) held.release();
    this.#held = [];
  }

  get messages(): MessageView {
    return this.#view;
  }

  /** Our groups are given every batch that moves the position, also one without data. */
  isEmpty(): boolean {
    if (this.assignment === undefined) return this.records.length === 0 && this.trouble === undefined;
    return !this.#hasProgress() && this.trouble === undefined;
  }

  isEmptyDueToFiltering(): boolean {
    return this.assignment === undefined && this.isEmpty() && this.#hasProgress();
  }

  firstOffset(): string | null {
    return this.#hasProgress() ? String(this.records[0]?.offset ?? this.fetchedOffset) : null;
  }

  lastOffset(): string {
    return String(this.nextOffset - 1);
  }

  offsetLag(): string {
    return String(Math.max(0, Number(this.highWatermark) - this.nextOffset));
  }

  offsetLagLow(): string {
    const first = this.records[0];
    return first === undefined ? '0' : String(Math.max(0, Number(this.highWatermark) - 1 - first.offset));
  }

  #hasProgress(): boolean {
    return this.nextOffset > Number(this.fetchedOffset);
  }
}

export interface TroubledRange extends BatchTrouble {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/**
 * Puts the committed records from `from` on into `into`. A transaction is aborted from its first offset to its
 * abort marker; unlike kafkajs, several that begin before one batch are all seen at once.
 */
function collect(
  batches: readonly RecordBatch[],
  aborted: readonly AbortedTransaction[],
  from: number,
  into: SourceRecord[],
): { nextOffset: number; trouble: TroubledRange | undefined } {
  const waiting = [...aborted].sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset));
  const open = new Set<string>();
  let nextOffset = from;
  for (const batch of batches) {
    if (batch.lastOffset < nextOffset && batch.trouble === undefined) continue;
    if (batch.trouble !== undefined) {
      const lastOffset = Math.max(batch.lastOffset, nextOffset);
      return { nextOffset, trouble: { ...batch.trouble, firstOffset: batch.baseOffset, lastOffset } };
    }
    while (waiting.length > 0 && Number(waiting[0]?.firstOffset) <= batch.lastOffset) {
      open.add(waiting.shift()?.producerId as string);
    }
    if (batch.transaction !== undefined && open.has(batch.transaction)) {
      if (batch.control === 'abort') open.delete(batch.transaction);
    } else {
      for (const record of batch.records) if (record.offset >= nextOffset) into.push(record);
    }
    nextOffset = batch.lastOffset + 1;
  }
  return { nextOffset, trouble: undefined };
}

function fromOldMessages(messages: readonly OldMessage[]): RecordBatch[] {
  if (messages.length === 0) return [];
  const records = messages.map(({ offset, timestamp, key, value }) => ({
    offset: Number(offset),
    timestampMs: Number(timestamp ?? 0),
    key,
    value,
  }));
  const baseOffset = records[0]?.offset ?? 0;
  const lastOffset = records.at(-1)?.offset ?? 0;
  const none = { transaction: undefined, control: 'none', trouble: undefined } as const;
  return [{ baseOffset, lastOffset, packedBytes: 0, records, ...none }];
}

/** The messages in kafkajs' form, made one at a time when someone walks them. */
class MessageView {
  readonly length: number;
  readonly #records: readonly SourceRecord[];
  readonly #trouble: BatchTrouble | undefined;
  /** kafkajs' Runner asks for the last message by index. */
  readonly [index: number]: { readonly offset: string };

  constructor(records: readonly SourceRecord[], trouble: BatchTrouble | undefined) {
    this.#records = records;
    this.#trouble = trouble;
    this.length = records.length;
    const last = records.at(-1);
    if (last !== undefined) Object.assign(this, { [records.length - 1]: { offset: String(last.offset) } });
  }

  *[Symbol.iterator](): Generator<object> {
    for (const record of this.#records) yield toMessage(record);
    if (this.#trouble !== undefined)
      throw new Error(`a record batch can't be read: ${this.#trouble.message}`);
  }
}
