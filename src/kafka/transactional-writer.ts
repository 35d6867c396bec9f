import type { Message, Producer } from 'kafkajs';
import { SpanweirError } from '../base/errors.ts';
import type { KafkaClient } from './client.ts';
import { failureOf, kafkaError } from './errors.ts';
import { kafkaJs } from './kafkajs.ts';

export interface WriterOptions {
  readonly topic: string;
  /** One for all that may ever write: whoever opens it last shuts the others out. */
  readonly transactionalId: string;
  /** After so long the coordinator aborts a transaction that nobody ends. */
  readonly timeoutMs: number;
}

/**
 * Writes to partition 0 of a topic, each time all or nothing, as the only one: `open` aborts what an earlier writer of
 * the same id has begun and makes the brokers refuse all that it still sends. After a rejection a writer is of no use.
 */
export class TransactionalWriter {
  readonly #producer: Producer;
  readonly #topic: string;

  private constructor(producer: Producer, topic: string) {
    this.#producer = producer;
    this.#topic = topic;
  }

  /** Rejects with UNAVAILABLE. When it resolves, what earlier writers committed can be read. */
  static async open(
    kafka: KafkaClient,
    { topic, transactionalId, timeoutMs }: WriterOptions,
  ): Promise<TransactionalWriter> {
    const producer = kafka.producer({
      transactionalId,
      transactionTimeout: timeoutMs,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: () => () => 0,
    });
    try {
      await producer.connect();
      // kafkajs asks for the producer's id and epoch when the first transaction begins.
      const first = await producer.transaction();
      await first.abort();
    } catch (error) {
      await producer.disconnect().catch(() => {});
      throw writerError(error, 'becoming the only writer');
    }
    return new TransactionalWriter(producer, topic);
  }

  /**
   * Each part is sent as one record batch, all in one transaction. `mayCommit` is asked in the turn in which it is
   * committed. Rejects with FENCED when it says no or somebody else has opened the id meanwhile: then nothing was
   * written. Rejects with UNAVAILABLE when the outcome is not known.
   */
  async write(parts: readonly (readonly Message[])[], mayCommit: () => boolean): Promise<void> {
    try {
      const transaction = await this.#producer.transaction();
      for (const messages of parts) {
        await transaction.send({
          topic: this.#topic,
          messages: [...messages],
          compression: kafkaJs().CompressionTypes.GZIP,
        });
      }
      if (mayCommit()) return await transaction.commit();
      await transaction.abort();
    } catch (error) {
      throw writerError(error, `writing to ${this.#topic}`);
    }
    throw new SpanweirError('FENCED', `writing to ${this.#topic}: no longer the one to write`);
  }

  /** A transaction that is still open is aborted by the next writer, or after its timeout. */
  async close(): Promise<void> {
    await this.#producer.disconnect().catch(() => {});
  }
}

const SHUT_OUT: ReadonlySet<string> = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED']);

function writerError(thrown: unknown, doing: string): SpanweirError {
  if (!SHUT_OUT.has(failureOf(thrown).type ?? '')) return kafkaError(thrown, doing);
  return new SpanweirError('FENCED', `${doing}: another writer has taken over`, { cause: thrown });
}
