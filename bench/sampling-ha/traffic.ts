import { randomFillSync } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { systemClock } from '../../src/base/clock.ts';
import { boundOf, keeps } from '../../src/sampling/simulator/sdk-rules.ts';
import { encodeProto, type TestSpan } from '../../test/support/spans.ts';

/** Requests per second of each operation, in each service. */
export const RATES: Readonly<Record<string, number>> = {
  'GET /': 200,
  'GET /cart': 100,
  'POST /cart': 50,
  'GET /orders': 20,
  'POST /orders': 5,
};
export const SERVICES = ['shop', 'stock', 'billing', 'mail'];
const INSTANCES = 3;
const KIND = 'go_rust';
const TICK_MS = 100;
const POLL_MS = 5000;

export interface Reply {
  readonly operationSampling: {
    readonly defaultSamplingProbability: number;
    readonly perOperationStrategies: readonly {
      readonly operation: string;
      readonly probabilisticSampling: { readonly samplingRate: number };
    }[];
  };
}

export function rateOf({ operationSampling }: Reply, operation: string): number {
  const own = operationSampling.perOperationStrategies.find((one) => one.operation === operation);
  return own?.probabilisticSampling.samplingRate ?? operationSampling.defaultSamplingProbability;
}

/**
 * Services whose SDKs ask any replica every few seconds, decide on random trace ids by what they were told last, and
 * whose sampled spans come to a topic.
 */
export class Traffic {
  requests = 0;
  sampled = 0;
  failedPolls = 0;
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #urls: readonly string[];
  readonly #stopping = new AbortController();
  readonly #instances = SERVICES.flatMap((service) =>
    Array.from({ length: INSTANCES }, () => ({ service, told: undefined as Reply | undefined })),
  );
  #running: Promise<unknown> = Promise.resolve();

  private constructor(producer: Producer, topic: string, urls: readonly string[]) {
    this.#producer = producer;
    this.#topic = topic;
    this.#urls = urls;
    setMaxListeners(0, this.#stopping.signal);
  }

  static async start(brokers: readonly string[], topic: string, urls: readonly string[]): Promise<Traffic> {
    const kafka = new Kafka({ brokers: [...brokers], clientId: 'traffic', logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    const traffic = new Traffic(producer, topic, urls);
    traffic.#running = Promise.all([traffic.#send(), ...traffic.#instances.map((one) => traffic.#poll(one))]);
    return traffic;
  }

  async end(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#producer.disconnect();
  }

  async #poll(instance: { readonly service: string; told: Reply | undefined }): Promise<void> {
    const { signal } = this.#stopping;
    await pause(Math.random() * POLL_MS, signal);
    while (!signal.aborted) {
      const url = this.#urls[Math.floor(Math.random() * this.#urls.length)];
      try {
        const answer = await fetch(`${url}/sampling?service=${instance.service}`, {
          signal: AbortSignal.timeout(1000),
        });
        if (answer.ok) instance.told = (await answer.json()) as Reply;
        else this.failedPolls += 1;
      } catch {
        this.failedPolls += 1;
      }
      await pause(POLL_MS, signal);
    }
  }

  async #send(): Promise<void> {
    const { signal } = this.#stopping;
    for (let nextMs = performance.now(); !signal.aborted; nextMs += TICK_MS) {
      await pause(nextMs - performance.now(), signal);
      const value = this.#tick();
      if (value !== undefined) await this.#producer.send({ topic: this.#topic, messages: [{ value }] });
    }
  }

  #tick(): Buffer | undefined {
    const attributes = { 'telemetry.sdk.language': 'go', 'telemetry.sdk.name': 'opentelemetry' };
    const resources = this.#instances.flatMap(({ service, told }) => {
      const spans = Object.entries(RATES).flatMap(([operation, perSecond]) => {
        const mean = (perSecond * TICK_MS) / 1000 / INSTANCES;
        return this.#sampledOf(
          operation,
          poisson(mean),
          told === undefined ? 0.001 : rateOf(told, operation),
        );
      });
      return spans.length === 0 ? [] : [{ service, attributes, spans }];
    });
    return resources.length === 0 ? undefined : encodeProto(resources);
  }

  #sampledOf(name: string, requests: number, probability: number): TestSpan[] {
    const { hi, lo } = boundOf(KIND, probability);
    const spans: TestSpan[] = [];
    const endNs = BigInt(Date.now()) * 1_000_000n;
    for (let i = 0; i < requests; i++) {
      const words = randomFillSync(new Uint32Array(4));
      this.requests += 1;
      if (!keeps(KIND, words, hi, lo)) continue;
      this.sampled += 1;
      const traceId = Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('');
      spans.push({ traceId, spanId: traceId.slice(0, 16), name, startNs: endNs - 1_000_000n, endNs });
    }
    return spans;
  }
}

function poisson(mean: number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = Math.random(); product > limit; product *= Math.random()) count += 1;
  return count;
}

export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 0 || signal?.aborted === true) return;
  await systemClock.sleep(ms, signal);
}
