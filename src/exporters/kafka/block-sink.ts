import type { Message, Producer } from 'kafkajs';
import type { Deadline } from '../../base/component.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import type { Counter } from '../../base/instruments.ts';
import type { Block } from '../../flow/block.ts';
import type { BlockSink, LaneContext } from '../../flow/lane.ts';
import { createKafka, type KafkaClient } from '../../kafka/client.ts';
import { failureOf, kafkaError } from '../../kafka/errors.ts';
import { kafkaJs } from '../../kafka/kafkajs.ts';
import { NONE, type SpanBatch } from '../../span/span-batch.ts';
import { type KafkaExporterConfig, topicOf } from './config.ts';
import { createPartitioner, type Partitioning } from './partitioner.ts';
import { RequestWriter } from './request-writer.ts';
import { asOneGroup, byTrace } from './trace-groups.ts';

const RECORD_OVERHEAD = 40;
/** A block of requests is not begun later than this: their senders are about to be told to come again. */
const REQUEST_PATIENCE_MS = 4000;
const RETRY_AFTER_MS = 2000;

/** Who waits for the outcome of a write, and until when. */
interface Caller {
  readonly signal: AbortSignal;
  /** It does not begin later, and a failure is not tried again; undefined = tried until the signal aborts. */
  readonly untilMs: number | undefined;
}

export function createKafkaBlockSink(config: KafkaExporterConfig, context: LaneContext): BlockSink {
  return new KafkaBlockSink(config, context);
}

/**
 * Writes the spans of blocks to a topic, one request in flight at a time. A block is written when the brokers
 * have acknowledged all its messages.
 */
class KafkaBlockSink implements BlockSink {
  readonly id: string;
  readonly durable = true;
  readonly effectOnce = false;
  readonly blockWish = { spans: 10_000, lingerMs: 20 };
  readonly #config: KafkaExporterConfig;
  readonly #context: LaneContext;
  readonly #topic: string;
  readonly #headerBytes: number;
  readonly #messages: Counter;
  readonly #bytes: Counter;
  readonly #failures: Counter;
  readonly #oversized: Counter;
  #kafka: KafkaClient | undefined;
  #producer: Producer | undefined;
  /** Told as health until a message is taken. */
  #isTroubled = false;
  /** Writes wait for each other: the numbering of an idempotent producer allows no overtaking. */
  #last: Promise<void> = Promise.resolve();

  constructor(config: KafkaExporterConfig, context: LaneContext) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    this.#topic = topicOf(config);
    this.#headerBytes = Buffer.byteLength(JSON.stringify(config.record_headers));
    const { instruments } = context;
    const labels = { exporter: context.id };
    this.#messages = instruments.counter('spanweir_kafka_exporter_messages_total', labels);
    this.#bytes = instruments.counter('spanweir_kafka_exporter_bytes_total', labels);
    this.#failures = instruments.counter('spanweir_kafka_exporter_failures_total', labels);
    this.#oversized = instruments.counter('spanweir_kafka_exporter_oversized_spans_total', labels);
  }

  async start(): Promise<void> {
    this.#kafka = await createKafka(this.#config, this.#context, Math.max(1000, this.#config.timeout));
    this.#context.health.report('ok');
  }

  async stop(deadline: Deadline): Promise<void> {
    const ended = this.#last.then(() => this.#forgetProducer());
    await Promise.race([ended, this.#context.clock.sleep(deadline.remainingMs(), deadline.signal)]);
    this.#context.health.report('stopped');
  }

  write(block: Block, signal: AbortSignal): Promise<void> {
    const isRequest = block.origin.kind === 'request';
    const untilMs = isRequest ? this.#context.clock.monotonicMs() + REQUEST_PATIENCE_MS : undefined;
    const written = this.#last.then(() => this.#write(block.batch, { signal, untilMs }));
    this.#last = written.catch(() => {});
    return written;
  }

  async #write(batch: SpanBatch, caller: Caller): Promise<void> {
    if (caller.untilMs !== undefined && this.#context.clock.monotonicMs() > caller.untilMs) {
      throw comeAgain('earlier spans are still on their way');
    }
    let messages: Message[] = [];
    let bytes = 0;
    const { max_message_bytes, flush_max_messages } = this.#config.producer;
    for (const message of this.#encode(batch)) {
      const size = this.#sizeOf(message);
      // kafkajs makes one record batch per partition and request, which the broker bounds like a message.
      if (
        messages.length === flush_max_messages ||
        (bytes + size > max_message_bytes && messages.length > 0)
      ) {
        await this.#send(messages, bytes, caller);
        messages = [];
        bytes = 0;
      }
      messages.push(message);
      bytes += size;
    }
    if (messages.length > 0) await this.#send(messages, bytes, caller);
  }

  /** With the most that a record adds to its key, value and headers. */
  #sizeOf({ key, value }: Message): number {
    return RECORD_OVERHEAD + this.#headerBytes + (key?.length ?? 0) + (value?.length ?? 0);
  }

  *#encode(batch: SpanBatch): Generator<Message> {
    const { partition_traces_by_id, producer, record_headers } = this.#config;
    const { spans, ends, groups } = partition_traces_by_id ? byTrace(batch) : asOneGroup(batch);
    const writer = new RequestWriter(batch, spans);
    const timestamp = String(this.#context.clock.wallMs());
    let from = 0;
    for (let group = 0; group < groups; group++) {
      const end = ends[group] as number;
      const key = partition_traces_by_id ? traceKey(batch, spans[from] as number) : null;
      while (from < end) {
        const to = writer.cut(from, end, producer.max_message_bytes);
        if (to > from)
          yield { key, value: writer.write(from, to), timestamp, headers: { ...record_headers } };
        else this.#skipOversized();
        from = Math.max(to, from + 1);
      }
    }
  }

  #skipOversized(): void {
    this.#oversized.add(1);
    const max = this.#config.producer.max_message_bytes;
    this.#context.log.warn(
      { topic: this.#topic },
      `a span is larger than max_message_bytes (${max}): left out`,
    );
  }

  /**
   * Until it is acknowledged or the caller gives up. Senders of requests are told of the first failure: they send
   * again what was refused, so that what would still be tried here would arrive once for every refusal.
   */
  async #send(messages: Message[], bytes: number, { signal, untilMs }: Caller): Promise<void> {
    const { clock, random, health, log } = this.#context;
    const { initial_interval, max_interval, multiplier, randomization_factor } =
      this.#config.retry_on_failure;
    for (let wait = initial_interval; ; wait = Math.min(max_interval, wait * multiplier)) {
      if (signal.aborted) throw new SpanweirError('STOPPING', 'writing to Kafka was given up');
      const error = await this.#attempt(messages, signal);
      if (error === undefined) {
        if (this.#isTroubled) health.report('ok');
        this.#isTroubled = false;
        this.#messages.add(messages.length);
        this.#bytes.add(bytes);
        return;
      }
      if (error.code === 'REFUSED' || error.code === 'STOPPING') throw error;
      this.#failures.add(1);
      health.report('recoverable', error.message);
      this.#isTroubled = true;
      if (untilMs !== undefined) {
        log.warn(
          { err: error },
          'requests could not be written to Kafka: their senders are told to come again',
        );
        throw comeAgain(error.message);
      }
      const waitMs = wait * (1 - randomization_factor + 2 * randomization_factor * random());
      log.warn(
        { err: error, waitMs: Math.round(waitMs) },
        'a block could not be written to Kafka; trying again',
      );
      await clock.sleep(waitMs, signal);
    }
  }

  /**
   * One try. After a failure the outcome is unknown, and a producer whose numbering is out of step would have its
   * next messages taken for duplicates: it is replaced. So a message may arrive twice, and never not at all.
   */
  async #attempt(messages: Message[], signal: AbortSignal): Promise<SpanweirError | undefined> {
    const { compression } = this.#config.producer;
    const { CompressionTypes } = kafkaJs();
    try {
      const producer = await this.#connected();
      const sent = producer.send({
        topic: this.#topic,
        messages,
        acks: -1,
        timeout: this.#config.timeout,
        compression: compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
      });
      await orAborted(sent, signal);
      return undefined;
    } catch (error) {
      await this.#forgetProducer();
      for (const message of messages) delete message.partition;
      if (failureOf(error).type === 'UNKNOWN_TOPIC_OR_PARTITION') {
        return new SpanweirError('UNAVAILABLE', `topic ${this.#topic} does not exist`, { retry: 'backoff' });
      }
      return kafkaError(error, `writing to ${this.#topic}`);
    }
  }

  async #connected(): Promise<Producer> {
    if (this.#producer !== undefined) return this.#producer;
    const { producer: options, metadata, record_partitioner } = this.#config;
    if (this.#kafka === undefined)
      throw new SpanweirError('UNAVAILABLE', 'the exporter has not been started');
    const producer = this.#kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      createPartitioner: createPartitioner(partitioningOf(record_partitioner)),
      allowAutoTopicCreation: options.allow_auto_topic_creation,
      metadataMaxAge: metadata.refresh_interval,
      retry: { retries: 3 },
    });
    await producer.connect();
    this.#producer = producer;
    return producer;
  }

  async #forgetProducer(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    try {
      await producer?.disconnect();
    } catch (error) {
      this.#context.log.debug({ err: toError(error) }, 'disconnecting a producer');
    }
  }
}

function comeAgain(why: string): SpanweirError {
  return new SpanweirError('UNAVAILABLE', `Kafka does not take spans: ${why}`, {
    retry: 'backoff',
    retryAfterMs: RETRY_AFTER_MS,
  });
}

/** The trace id in hex, as the collector keys its messages; no key without a trace id. */
function traceKey(batch: SpanBatch, span: number): Buffer | null {
  const at = batch.traceIdAt[span] as number;
  return at === NONE ? null : Buffer.from(batch.arena.toString('hex', at, at + 16), 'latin1');
}

function partitioningOf(chosen: KafkaExporterConfig['record_partitioner']): Partitioning {
  if (chosen.round_robin !== undefined || chosen.least_backup !== undefined) return 'round_robin';
  return chosen.sticky_key?.hasher ?? 'murmur2';
}

async function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let release = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    release = () => reject(new SpanweirError('STOPPING', 'writing to Kafka was given up'));
  });
  signal.addEventListener('abort', release, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', release);
  }
}
