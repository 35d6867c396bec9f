import type { Producer } from 'kafkajs';
import { aborted } from '../../../base/aborted.ts';
import type { ComponentContext } from '../../../base/component.ts';
import { toError } from '../../../base/errors.ts';
import type { KafkaClient } from '../../../kafka/client.ts';
import { LogReader } from '../../../kafka/log-reader.ts';
import { jittered } from '../../../sampling/jitter.ts';
import {
  PollerReports,
  type PollersByService,
  REPORT_EVERY_MS,
  REPORT_HOLDS_MS,
  reportsOf,
} from './poller-reports.ts';

export interface ExchangeDeps {
  readonly kafka: KafkaClient;
  readonly topic: string;
  /** Tells this replica from the others. */
  readonly self: string;
  /** Who polls here. */
  readonly own: (nowMs: number) => PollersByService;
  /** What is served here. */
  readonly version: () => number;
  readonly context: Pick<ComponentContext, 'clock' | 'random' | 'log'>;
  onTrouble(message: string): void;
}

const RETRY_MS = 5000;

/** Replicas tell the controller who polls them, over a topic of which only the last seconds count. */
export class PollersExchange {
  readonly #deps: ExchangeDeps;
  readonly #reports: PollerReports;

  constructor(deps: ExchangeDeps) {
    this.#deps = deps;
    this.#reports = new PollerReports(deps.self);
  }

  /** Own pollers, and those that the other replicas have told of while this one was listening. */
  merged(nowMs: number): PollersByService {
    return this.#reports.merged(this.#deps.own(nowMs), nowMs);
  }

  /** The highest version that another replica serves; 0 when nobody tells. */
  newestVersion(): number {
    return this.#reports.newestVersion(this.#deps.context.clock.wallMs());
  }

  /** Tells what is polled here until aborted. */
  async tell(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps.context;
    let producer: Producer | undefined;
    while (!signal.aborted) {
      try {
        producer ??= await this.#producer();
        await this.#report(producer);
      } catch (error) {
        this.#failed('telling the other replicas who polls here', error, signal);
        await producer?.disconnect().catch(() => {});
        producer = undefined;
      }
      await clock.sleep(jittered(REPORT_EVERY_MS, random), signal);
    }
    await producer?.disconnect().catch(() => {});
  }

  /** Hears what the others tell until aborted, and what they told in the last half minute. */
  async listen(signal: AbortSignal): Promise<void> {
    const { kafka, topic, context } = this.#deps;
    const { clock, random } = context;
    while (!signal.aborted) {
      let reader: LogReader | undefined;
      try {
        reader = await LogReader.open(kafka);
        const begins = await reader.offsetsAt(topic, clock.wallMs() - REPORT_HOLDS_MS);
        await this.#read(reader, begins.get(0) ?? 0, signal);
      } catch (error) {
        this.#failed('hearing who polls the other replicas', error, signal);
        await clock.sleep(jittered(RETRY_MS, random), signal);
      } finally {
        await reader?.close();
      }
    }
  }

  async #read(reader: LogReader, from: number, signal: AbortSignal): Promise<void> {
    let position = from;
    while (!signal.aborted) {
      const next = reader.fetch(this.#deps.topic, 0, position);
      next.catch(() => {});
      const batch = await Promise.race([next, aborted(signal)]);
      if (batch === undefined) return;
      for (const { value, timestampMs } of batch.records) this.#reports.take(value, timestampMs);
      position = Math.max(batch.nextOffset, (batch.trouble?.lastOffset ?? -1) + 1);
    }
  }

  async #producer(): Promise<Producer> {
    const producer = this.#deps.kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: () => () => 0,
    });
    await producer.connect();
    return producer;
  }

  async #report(producer: Producer): Promise<void> {
    const { topic, self, own, version, context } = this.#deps;
    const reports = reportsOf(self, version(), own(context.clock.wallMs()));
    for (const value of reports) {
      await producer.send({ topic, acks: 1, messages: [{ key: self, value }] });
    }
  }

  #failed(what: string, error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#deps.onTrouble(what);
    this.#deps.context.log.debug({ err: toError(error) }, what);
  }
}
