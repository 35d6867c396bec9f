import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs';
import type { SpanLedger } from './span-ledger.ts';

export interface Outgoing {
  readonly partition: number;
  readonly value: Buffer | null;
  /** No spans are expected of it. */
  readonly isPoison?: boolean;
}

export interface ProducerOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly messagesPerSecond: number;
  readonly messages: Iterator<Buffer, unknown, undefined>;
}

const TICK_MS = 100;
/** In one request: together they stay below the broker's max.message.bytes. */
const MESSAGES_PER_PARTITION = 16;

/**
 * Puts messages on a topic at a steady rate and each acknowledged one into the ledger. It is the topic's only
 * producer: when an answer is lost, the end of the log tells whether the records are there.
 */
export class SteadyProducer {
  readonly #options: ProducerOptions;
  readonly #ledger: SpanLedger;
  readonly #kafka: Kafka;
  readonly #extra: Outgoing[] = [];
  readonly #running: Promise<void>;
  #producer: Producer;
  #isEnding = false;
  #failure: Error | undefined;
  #next = 0;

  private constructor(options: ProducerOptions, ledger: SpanLedger) {
    this.#options = options;
    this.#ledger = ledger;
    this.#kafka = new Kafka({
      brokers: [...options.brokers],
      clientId: 'chaos',
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
      connectionTimeout: 2000,
    });
    this.#producer = this.#kafka.producer({ retry: { retries: 0 } });
    this.#running = this.#run().catch((error: Error) => {
      this.#failure = error;
    });
  }

  /** The topic must be there, and empty. */
  static start(options: ProducerOptions, ledger: SpanLedger): SteadyProducer {
    return new SteadyProducer(options, ledger);
  }

  /** Goes out with the next tick. */
  inject(outgoing: Outgoing): void {
    this.#extra.push(outgoing);
  }

  /** Resolves when everything that was begun is in the log and in the ledger. Rejects when the two disagree. */
  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
    await this.#producer.disconnect().catch(() => {});
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #run(): Promise<void> {
    await this.#connect();
    const startedMs = performance.now();
    let sent = 0;
    while (!this.#isEnding || this.#extra.length > 0) {
      const elapsedMs = performance.now() - startedMs;
      const due = Math.floor((elapsedMs / 1000) * this.#options.messagesPerSecond) - sent;
      const outgoing = this.#extra.splice(0);
      // After a broker's outage what was missed comes in portions, not as one flood.
      const most = this.#ledger.partitions * MESSAGES_PER_PARTITION;
      for (let i = 0; i < Math.min(due, most) && !this.#isEnding; i++) {
        const { done, value } = this.#options.messages.next();
        if (done === true) break;
        outgoing.push({ partition: this.#next++ % this.#ledger.partitions, value: value as Buffer });
        sent++;
      }
      await this.#send(outgoing);
      const leftMs = TICK_MS - (performance.now() - startedMs - elapsedMs);
      if (leftMs > 0) await pause(leftMs);
    }
  }

  async #send(outgoing: readonly Outgoing[]): Promise<void> {
    for (let left = outgoing; left.length > 0; ) {
      try {
        const messages = left.map(({ partition, value }) => ({ partition, value }));
        await this.#producer.send({ topic: this.#options.topic, acks: -1, timeout: 10_000, messages });
        this.#note(left);
        return;
      } catch {
        left = await this.#resolve(left);
      }
    }
  }

  #note(outgoing: readonly Outgoing[]): void {
    for (const { partition, value, isPoison } of outgoing)
      this.#ledger.add(partition, this.#ledger.nextOffset(partition), value, isPoison);
  }

  /** After a lost answer: notes what the log has, returns what it has not. */
  async #resolve(outgoing: readonly Outgoing[]): Promise<Outgoing[]> {
    await this.#producer.disconnect().catch(() => {});
    for (;;) {
      await pause(1000);
      const ends = await this.#logEnds().catch(() => undefined);
      if (ends === undefined) continue;
      await this.#connect();
      const missing: Outgoing[] = [];
      for (let partition = 0; partition < this.#ledger.partitions; partition++) {
        const sent = outgoing.filter((one) => one.partition === partition);
        const arrived = (ends.get(partition) ?? 0) - this.#ledger.nextOffset(partition);
        if (arrived === sent.length) this.#note(sent);
        else if (arrived === 0) missing.push(...sent);
        else
          throw new Error(
            `partition ${partition} has ${arrived} more records than known; sent ${sent.length}`,
          );
      }
      return missing;
    }
  }

  async #logEnds(): Promise<Map<number, number>> {
    const admin: Admin = this.#kafka.admin({ retry: { retries: 3, initialRetryTime: 100 } });
    await admin.connect();
    try {
      const ends = await admin.fetchTopicOffsets(this.#options.topic);
      return new Map(ends.map(({ partition, high }) => [partition, Number(high)]));
    } finally {
      await admin.disconnect();
    }
  }

  async #connect(): Promise<void> {
    this.#producer = this.#kafka.producer({ retry: { retries: 0 } });
    for (;;) {
      try {
        return await this.#producer.connect();
      } catch {
        await pause(500);
      }
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
