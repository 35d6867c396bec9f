import type { RecordHeader, SourceRecord } from '../flow/intake.ts';
import type { FetchedBytes } from './fetch-sizes.ts';
import type { RecordBatch } from './record-batch.ts';

/** Memory that is used again once it is released. */
export interface Held {
  release(): void;
}

/**
 * What the decoder gives kafkajs as "messages". Our FetchedBatch reads `batches`; a Batch class of another copy
 * of kafkajs (one that was loaded earlier in the process) filters it and gets messages in kafkajs' own form.
 */
export class FetchedMessages {
  readonly batches: readonly RecordBatch[];
  readonly bytes: FetchedBytes;
  /** What the records' bytes are a part of. */
  readonly held: readonly Held[];

  /** @param sentBytes of the partition's part, what could not be read of it included */
  constructor(batches: readonly RecordBatch[], sentBytes: number, held: readonly Held[] = []) {
    this.batches = batches;
    const readBytes = batches.reduce((sum, { packedBytes }) => sum + packedBytes, 0);
    this.bytes = { sentBytes, leftBytes: sentBytes - readBytes };
    this.held = held;
  }

  get length(): number {
    return this.batches.reduce(
      (sum, batch) => sum + (batch.control === 'none' ? batch.records.length : 1),
      0,
    );
  }

  filter(isWanted: (message: KafkaJsMessage) => boolean): KafkaJsMessage[] {
    return this.batches.flatMap(messagesOf).filter(isWanted);
  }
}

export interface KafkaJsMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

function messagesOf(batch: RecordBatch): KafkaJsMessage[] {
  const batchContext = {
    producerId: batch.transaction ?? '-1',
    inTransaction: batch.transaction !== undefined,
  };
  if (batch.trouble !== undefined) throw new Error(`a record batch can't be read: ${batch.trouble.message}`);
  if (batch.control === 'none') {
    return batch.records.map((record) => ({ ...toMessage(record), isControlRecord: false, batchContext }));
  }
  const key = Buffer.from([0, 0, 0, batch.control === 'abort' ? 0 : 1]);
  const marker = { offset: batch.lastOffset, timestampMs: 0, key, value: null };
  return [{ ...toMessage(marker), isControlRecord: true, batchContext }];
}

/** A record as kafkajs' own decoder would give it: decimal strings, headers by name. */
export function toMessage({ offset, timestampMs, key, value, headers = [] }: SourceRecord) {
  return { offset: String(offset), timestamp: String(timestampMs), key, value, headers: byName(headers) };
}

function byName(headers: readonly RecordHeader[]): Record<string, unknown> {
  const named = Object.create(null) as Record<string, unknown>;
  for (const { key, value } of headers) {
    const known = named[key];
    named[key] = known === undefined ? value : [known, value].flat();
  }
  return named;
}
