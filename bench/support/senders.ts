import { Kafka, logLevel, type Producer } from 'kafkajs';
import { encodeProto, type TestSpan } from '../../test/support/spans.ts';

const SPANS_PER_MESSAGE = 100;

/** Spans whose ids are `prefix` and a running number, so that a query can tell which are there. */
export function numberedSpans(prefix: string, first: number, count = SPANS_PER_MESSAGE): TestSpan[] {
  const startNs = BigInt(Date.now()) * 1_000_000n;
  return Array.from({ length: count }, (_, i) => ({
    traceId: (prefix + (first + i).toString(16).padStart(8, '0')).padStart(32, '0'),
    spanId: (first + i + 1).toString(16).padStart(16, '0'),
    name: `operation ${(first + i) % 20}`,
    startNs,
    attributes: { 'http.route': '/orders/:id', 'http.response.status_code': 200 },
  }));
}

/** Puts numbered spans on a topic at a steady rate until it is told to end. */
export class KafkaSender {
  sent = 0;
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #running: Promise<void>;
  #isEnding = false;

  private constructor(producer: Producer, topic: string, messagesPerSecond: number) {
    this.#producer = producer;
    this.#topic = topic;
    this.#running = this.#run(messagesPerSecond);
  }

  static async start(
    brokers: readonly string[],
    topic: string,
    messagesPerSecond: number,
  ): Promise<KafkaSender> {
    const kafka = new Kafka({ brokers: [...brokers], clientId: 'sender', logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    return new KafkaSender(producer, topic, messagesPerSecond);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
    await this.#producer.disconnect();
  }

  async #run(messagesPerSecond: number): Promise<void> {
    const everyMs = 50;
    const perTick = Math.max(1, Math.round((messagesPerSecond * everyMs) / 1000));
    while (!this.#isEnding) {
      const startedMs = performance.now();
      const messages = Array.from({ length: perTick }, (_, i) => {
        const spans = numberedSpans('aa', this.sent + i * SPANS_PER_MESSAGE);
        return { value: encodeProto([{ service: 'from kafka', spans }]) };
      });
      await this.#producer.send({ topic: this.#topic, messages });
      this.sent += perTick * SPANS_PER_MESSAGE;
      const leftMs = everyMs - (performance.now() - startedMs);
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    }
  }
}

/** Posts numbered spans over OTLP/HTTP, one request after another, and remembers how each was answered. */
export class OtlpSender {
  /** First numbers of the requests that were acknowledged, SPANS_PER_MESSAGE spans each. */
  readonly acknowledged: number[] = [];
  readonly statuses = new Map<string, number>();
  slowestRefusalMs = 0;
  refusalsWithoutRetryAfter = 0;
  readonly #url: () => string;
  readonly #running: Promise<void>;
  #isEnding = false;

  /** @param url asked before every request, since the engine may come back on another port */
  constructor(url: () => string) {
    this.#url = url;
    this.#running = this.#run();
  }

  get acknowledgedSpans(): number {
    return this.acknowledged.length * SPANS_PER_MESSAGE;
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let first = 0; !this.#isEnding; first += SPANS_PER_MESSAGE) {
      const body = encodeProto([{ service: 'from otlp', spans: numberedSpans('bb', first) }]);
      const startedMs = performance.now();
      const status = await this.#post(body);
      const tookMs = performance.now() - startedMs;
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
      if (status === '200') this.acknowledged.push(first);
      else if (status !== 'no answer') this.slowestRefusalMs = Math.max(this.slowestRefusalMs, tookMs);
      if (status !== '200') await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #post(body: Buffer): Promise<string> {
    try {
      const headers = { 'content-type': 'application/x-protobuf' };
      const response = await fetch(this.#url(), { method: 'POST', body, headers });
      await response.arrayBuffer();
      if (response.status === 503 && !response.headers.has('retry-after')) this.refusalsWithoutRetryAfter++;
      return String(response.status);
    } catch {
      return 'no answer';
    }
  }
}
