import { createHash } from 'node:crypto';
import type { Kafka, Message, Producer } from 'kafkajs';
import type { Clock } from '../../base/clock.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import type { Counter, Log } from '../../base/instruments.ts';
import { failureOf, kafkaError } from '../../kafka/errors.ts';
import { startPlacingProducer } from '../../kafka/placing-producer.ts';
import { headersInOrder } from '../../kafka/record-encoder.ts';
import { headersOf, type OmittedValue } from './dead-letter-headers.ts';
import type { DeadLetter, DeadLetters } from './dead-letters.ts';
import { makeTopic } from './make-topic.ts';

/** Of one request: whoever puts a letter tries again by itself, with a new producer. */
const PRODUCE_RETRIES = 3;
/** What one request carries: letters come in crowds when somebody sends what is not OTLP. */
const GROUP_LETTERS = 256;
const GROUP_BYTES = 512 << 10;
/**
 * Values beyond this are not tried on the topic, whatever that would take: on their way into a request they are
 * copied six times.
 */
const MAX_VALUE_BYTES = 8 << 20;

export interface DeadLetterTopicDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  /** Gets the letters whose value is too large for the topic. */
  readonly folder: DeadLetters;
  /** Counts them, by where the value is. */
  readonly tooLarge: (place: OmittedValue['place']) => Counter;
}

interface Waiting {
  readonly letter: DeadLetter;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Dead letters as records: key, value and headers as they were, and behind those what dead-letter-headers.ts
 * says. Acknowledged by all replicas, from an idempotent producer; after a kill the next owner of the partition
 * may put a letter there again, with the same position.
 */
export class DeadLetterTopic implements DeadLetters {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #deps: DeadLetterTopicDeps;
  readonly #waiting: Waiting[] = [];
  #sending: Promise<void> | undefined;
  #producer: Producer | undefined;
  #isStopped = false;

  constructor(kafka: Kafka, topic: string, deps: DeadLetterTopicDeps) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#deps = deps;
  }

  async prepare(): Promise<void> {
    await makeTopic(this.#kafka, this.#topic, this.#deps.log);
  }

  put(letter: DeadLetter): Promise<void> {
    if (this.#isStopped) {
      return Promise.reject(new SpanweirError('STOPPING', 'dead letters are not taken any more'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ letter, resolve, reject });
      this.#sending ??= this.#sendAll();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#sending;
    await this.#forgetProducer();
    await this.#deps.folder.stop();
  }

  /** One request after the other: the numbering of an idempotent producer allows no overtaking. */
  async #sendAll(): Promise<void> {
    // What is put in the same turn goes together.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup();
      try {
        await this.#send(group.map(({ letter }) => letter));
        for (const { resolve } of group) resolve();
      } catch (error) {
        await this.#forgetProducer();
        const told = kafkaError(error, `dead letter to ${this.#topic}`);
        for (const { reject } of group) reject(told);
      }
    }
    this.#sending = undefined;
  }

  #nextGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (; count < Math.min(this.#waiting.length, GROUP_LETTERS); count++) {
      bytes += this.#waiting[count]?.letter.record.value?.length ?? 0;
      if (count > 0 && bytes > GROUP_BYTES) break;
    }
    return this.#waiting.splice(0, count);
  }

  async #send(letters: readonly DeadLetter[]): Promise<void> {
    const [first] = letters;
    if (letters.length > 1 || first === undefined) {
      try {
        return await this.#produce(letters.map((letter) => this.#message(letter, undefined)));
      } catch (error) {
        if (!isTooLarge(error)) throw error;
        for (const letter of letters) await this.#send([letter]);
        return;
      }
    }
    if ((first.record.value?.length ?? 0) <= MAX_VALUE_BYTES) {
      try {
        return await this.#produce([this.#message(first, undefined)]);
      } catch (error) {
        if (!isTooLarge(error)) throw error;
      }
    }
    await this.#sendWithoutValue(first);
  }

  /** The partition goes on, whatever becomes of the value: the record's own log has it, too. */
  async #sendWithoutValue(letter: DeadLetter): Promise<void> {
    const { folder, log, tooLarge } = this.#deps;
    const value = letter.record.value ?? new Uint8Array();
    const failure = await folder.put(letter).then(() => undefined, toError);
    const place = failure === undefined ? 'folder' : 'source';
    const omitted = {
      bytes: value.length,
      sha256: createHash('sha256').update(value).digest('hex'),
      place,
    } as const;
    const where = { topic: letter.topic, partition: letter.partition, offset: letter.record.offset };
    if (failure === undefined)
      log.warn(
        { ...where, bytes: value.length },
        'too large for the dead-letter topic: the value is in the folder',
      );
    else
      log.error(
        { ...where, bytes: value.length, err: failure },
        'too large for the dead-letter topic, and the folder failed: the value is only in the log that it came from',
      );
    try {
      await this.#produce([this.#message(letter, omitted)]);
    } catch (error) {
      // Key or headers are what is large.
      if (!isTooLarge(error)) throw error;
      const { offset, timestampMs } = letter.record;
      const bare = { ...letter, record: { offset, timestampMs, key: null, value: null } };
      await this.#produce([this.#message(bare, omitted)]);
    }
    tooLarge(place).add(1);
  }

  #message(letter: DeadLetter, omitted: OmittedValue | undefined): Message {
    const { clock, version } = this.#deps;
    const { key, value } = letter.record;
    const putAside = { atMs: clock.wallMs(), version };
    return {
      partition: letter.partition,
      key: asBuffer(key),
      value: omitted === undefined ? asBuffer(value) : null,
      headers: headersInOrder(headersOf(letter, putAside, omitted)),
      timestamp: String(putAside.atMs),
    };
  }

  async #produce(messages: Message[]): Promise<void> {
    this.#producer ??= await this.#connect();
    await this.#producer.send({ topic: this.#topic, acks: -1, messages });
  }

  async #connect(): Promise<Producer> {
    await this.prepare();
    return await startPlacingProducer(this.#kafka, PRODUCE_RETRIES);
  }

  async #forgetProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    await producer?.disconnect().catch(() => {});
  }
}

function isTooLarge(error: unknown): boolean {
  const { type } = failureOf(error);
  return type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE';
}

function asBuffer(bytes: Uint8Array | null): Buffer | null {
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
