import { Kafka, logLevel, type Producer } from 'kafkajs';
import { newTopic } from '../../test/support/new-topic.ts';
import { SPANS_PER_MESSAGE, Workload } from '../workload.ts';

const TICK_MS = 50;
/** Made once and sent again and again: what is measured is not the making. */
const POOL_MESSAGES = 300;
/** Of 40 kB each over all partitions: a broker takes a megabyte for each. */
const MOST_AT_ONCE = 150;

/**
 * Puts messages of 100 spans on a topic at a steady rate, in turn to its partitions, and remembers when each was
 * handed to the producer. It must be the topic's only producer: then a message's offset is its place.
 */
export class PacedSender {
  /** When (performance.now) each message of each partition was handed over, by offset. */
  readonly producedMs: readonly number[][];
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #pool: readonly Buffer[];
  #messagesPerSecond = 0;
  #isEnding = false;
  #running: Promise<void> = Promise.resolve();
  #sent = 0;

  private constructor(producer: Producer, topic: string, partitions: number) {
    this.#producer = producer;
    this.#topic = topic;
    this.producedMs = Array.from({ length: partitions }, () => []);
    const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    this.#pool = [...new Workload({ spans: POOL_MESSAGES * SPANS_PER_MESSAGE, startNs }).messages()];
  }

  static async open(brokers: readonly string[], topic: string, partitions: number): Promise<PacedSender> {
    const kafka = new Kafka({ brokers: [...brokers], clientId: 'sender', logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await newTopic(admin, { topic, numPartitions: partitions });
    await admin.disconnect();
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    return new PacedSender(producer, topic, partitions);
  }

  get sentSpans(): number {
    return this.#sent * SPANS_PER_MESSAGE;
  }

  /** As fast as the broker takes them. */
  async sendNow(messages: number): Promise<void> {
    for (let left = messages; left > 0; left -= MOST_AT_ONCE) await this.#send(Math.min(left, MOST_AT_ONCE));
  }

  begin(spansPerSecond: number): void {
    this.#messagesPerSecond = spansPerSecond / SPANS_PER_MESSAGE;
    this.#isEnding = false;
    this.#running = this.#run();
  }

  /** Resolves when the last message is acknowledged. */
  async pause(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
  }

  async end(): Promise<void> {
    await this.pause();
    await this.#producer.disconnect();
  }

  async #run(): Promise<void> {
    const beganMs = performance.now();
    const before = this.#sent;
    while (!this.#isEnding) {
      const nowMs = performance.now();
      const owed = Math.floor(((nowMs - beganMs) / 1000) * this.#messagesPerSecond) - (this.#sent - before);
      if (owed > 0) await this.#send(Math.min(owed, MOST_AT_ONCE));
      if (owed > MOST_AT_ONCE) continue;
      const leftMs = TICK_MS - (performance.now() - nowMs);
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    }
  }

  async #send(count: number): Promise<void> {
    const nowMs = performance.now();
    const messages = Array.from({ length: count }, (_, i) => {
      const number = this.#sent + i;
      return {
        value: this.#pool[number % this.#pool.length] as Buffer,
        partition: number % this.producedMs.length,
      };
    });
    await this.#producer.send({ topic: this.#topic, messages });
    for (const { partition } of messages) this.producedMs[partition]?.push(nowMs);
    this.#sent += count;
  }
}
