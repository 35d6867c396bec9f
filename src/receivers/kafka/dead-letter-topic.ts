import type { IHeaders, Kafka, Producer } from 'kafkajs';
import { failureOf, kafkaError } from '../../kafka/errors.ts';
import { Partitioners } from '../../kafka/kafkajs.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';

/**
 * Dead letters as records: key, value and headers as they were, the position and the reason in headers
 * `x-spanweir-*`. Acknowledged by all replicas. Without an idempotent producer a letter may stand there twice,
 * with the same position.
 */
export class DeadLetterTopic implements DeadLetters {
  readonly #kafka: Kafka;
  readonly #topic: string;
  #producer: Promise<Producer> | undefined;

  constructor(kafka: Kafka, topic: string) {
    this.#kafka = kafka;
    this.#topic = topic;
  }

  async put(letter: DeadLetter): Promise<void> {
    try {
      await this.#send(letter, letter.record.value, {});
    } catch (error) {
      if (failureOf(error).type !== 'MESSAGE_TOO_LARGE')
        throw kafkaError(error, `dead letter to ${this.#topic}`);
      const size = String(letter.record.value?.length ?? 0);
      await this.#send(letter, null, { 'x-spanweir-value-bytes': size }).catch((again: unknown) => {
        throw kafkaError(again, `dead letter to ${this.#topic}`);
      });
    }
  }

  async stop(): Promise<void> {
    const producer = await this.#producer?.catch(() => undefined);
    this.#producer = undefined;
    await producer?.disconnect();
  }

  async #send(letter: DeadLetter, value: Uint8Array | null, extra: IHeaders): Promise<void> {
    const producer = await this.#connected();
    const { key } = letter.record;
    await producer.send({
      topic: this.#topic,
      acks: -1,
      messages: [{ key: asBuffer(key), value: asBuffer(value), headers: { ...headersOf(letter), ...extra } }],
    });
  }

  #connected(): Promise<Producer> {
    this.#producer ??= this.#connect();
    return this.#producer;
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: true,
    });
    try {
      await producer.connect();
      return producer;
    } catch (error) {
      this.#producer = undefined;
      throw error;
    }
  }
}

function headersOf({ clusterId, topic, partition, lastOffset, reason, record }: DeadLetter): IHeaders {
  const headers: Record<string, (Buffer | string)[]> = Object.create(null);
  for (const { key, value } of record.headers ?? []) {
    headers[key] ??= [];
    headers[key].push(asBuffer(value) ?? '');
  }
  return {
    ...headers,
    'x-spanweir-reason': reason,
    'x-spanweir-cluster': clusterId,
    'x-spanweir-topic': topic,
    'x-spanweir-partition': String(partition),
    'x-spanweir-offset': String(record.offset),
    'x-spanweir-timestamp-ms': String(record.timestampMs),
    ...(lastOffset === undefined ? {} : { 'x-spanweir-last-offset': String(lastOffset) }),
  };
}

function asBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
