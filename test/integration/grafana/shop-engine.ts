import { inject } from 'vitest';
import { untilReady } from '../../../scripts/parts/child.mjs';
import { freePorts } from '../../../scripts/parts/ports.mjs';
import { createDatabase, queryRows } from '../../support/clickhouse.ts';
import type {} from '../../support/context.ts';
import { scrape } from '../../support/prometheus.ts';
import { encodeProto } from '../../support/spans.ts';
import { createTopic, kafkaClient, uniqueName } from '../../support/topics.ts';
import { waitFor } from '../../support/wait.ts';
import { configArguments, launch } from '../app/engine.ts';
import { CALLS_PER_STEP, EDGES_PER_STEP, SPANS_PER_STEP, STEP_S, STEPS, shopStep } from './known-shop.ts';

/** host:port of the span metrics under three kinds of names, of the engine's own, and of the sampling strategies. */
type Addresses = Readonly<Record<'metrics' | 'tempo' | 'plain' | 'own' | 'sampling' | 'grpc', string>>;

/** Of two cores that do other things, too. */
const PATIENT = { deadlineMs: 90_000 };

/** An engine that has taken in the known shop, and one record that is no span. */
export interface ShopEngine {
  readonly addresses: Addresses;
  readonly database: string;
  /** End of the last step. */
  readonly untilMs: number;
  /** Span metrics and edges by all their names: those of the collector, Tempo's, and those without suffixes. */
  readonly pages: readonly string[];
  readonly end: () => Promise<void>;
}

export async function startShopEngine(dir: string): Promise<ShopEngine> {
  const topic = await createTopic('shop', { partitions: 2 });
  const database = await createDatabase('shop');
  const names = ['metrics', 'tempo', 'plain', 'own', 'sampling', 'grpc'] as const;
  const ports = await freePorts(names.length);
  const addresses = Object.fromEntries(names.map((name, i) => [name, `127.0.0.1:${ports[i]}`])) as Addresses;
  const config = configOf({ ...addresses, topic, database });
  const engine = await launch(configArguments({ dir, config }), { dir });
  const ends: (() => unknown)[] = [async () => await engine.stop(40_000)];
  const end = async (): Promise<void> => {
    for (const each of ends.splice(0).reverse()) await each();
  };
  try {
    await untilReady(engine, async () => engine.log().includes('Everything is ready'));
    ends.push((await scrape(addresses.own)).end);
    const untilMs = Math.floor(Date.now() / 60_000) * 60_000;
    await produceShop(topic, untilMs);
    await fetch(`http://${addresses.sampling}/sampling?service=frontend`);
    await waitFor(
      'all spans are stored',
      async () => {
        const [row] = await queryRows<{ n: string }>(
          `SELECT sum(Spans) AS n FROM ${database}.span_metrics_10s`,
        );
        return Number(row?.n) === STEPS * SPANS_PER_STEP;
      },
      PATIENT,
    );
    await waitFor(
      'all spans are counted, all edges paired',
      async () => {
        const page = await pageOf(addresses.metrics);
        const calls = sumOf('traces_span_metrics_calls_total', page);
        const edges = sumOf('traces_service_graph_request_total', page);
        if (calls === STEPS * CALLS_PER_STEP && edges === STEPS * EDGES_PER_STEP) return true;
        throw new Error(`${calls} calls and ${edges} edges`);
      },
      PATIENT,
    );
    const pages = await Promise.all([addresses.metrics, addresses.tempo, addresses.plain].map(pageOf));
    return { addresses, database, untilMs, pages, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Minute by minute, so that the engine is at work while later ones are made; at last what nobody can read. */
async function produceShop(topic: string, untilMs: number): Promise<void> {
  const producer = kafkaClient().producer();
  await producer.connect();
  try {
    for (let step = 0; step < STEPS; step++) {
      const endMs = untilMs - (STEPS - 1 - step) * STEP_S * 1000;
      const messages = shopStep(step, endMs).map((resource) => ({
        value: encodeProto([resource]),
        timestamp: String(endMs),
      }));
      await producer.send({ topic, acks: -1, messages });
    }
    await producer.send({ topic, acks: -1, messages: [{ value: Buffer.from('this is no span') }] });
  } finally {
    await producer.disconnect();
  }
}

async function pageOf(address: string): Promise<string> {
  return await (await fetch(`http://${address}/metrics`)).text();
}

function sumOf(metric: string, page: string): number {
  const lines = page.split('\n').filter((line) => line.startsWith(`${metric}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

function configOf(at: Addresses & Readonly<Record<'topic' | 'database', string>>): object {
  const dimensions = ['http.route', 'http.method', 'http.status_code'].map((name) => ({ name }));
  const graph = { store: { ttl: '1m' }, metrics_flush_interval: '0s' };
  return {
    receivers: {
      kafka: {
        brokers: inject('kafkaBrokers'),
        group_id: uniqueName('shop'),
        initial_offset: 'earliest',
        traces: { topics: [at.topic] },
      },
    },
    processors: { adaptive_sampling: {} },
    connectors: { span_metrics: { dimensions, exemplars: { enabled: true } }, service_graph: graph },
    exporters: {
      clickhouse: { endpoint: inject('clickhouseUrl'), database: at.database },
      prometheus: { endpoint: at.metrics, enable_open_metrics: true },
      // Other names for the same: Tempo's, and those that Jaeger asks for when it does not normalise them.
      'prometheus/tempo': { endpoint: at.tempo, profile: 'tempo' },
      'prometheus/plain': { endpoint: at.plain, translation_strategy: 'UnderscoreEscapingWithoutSuffixes' },
    },
    extensions: {
      remote_sampling: {
        adaptive: { sampling_store: 'clickhouse' },
        http: { endpoint: at.sampling },
        grpc: { endpoint: at.grpc },
      },
    },
    service: {
      extensions: ['remote_sampling'],
      telemetry: { metrics: { address: at.own } },
      pipelines: {
        traces: {
          receivers: ['kafka'],
          processors: ['adaptive_sampling'],
          exporters: ['clickhouse', 'span_metrics', 'service_graph'],
        },
        metrics: {
          receivers: ['span_metrics', 'service_graph'],
          exporters: ['clickhouse', 'prometheus', 'prometheus/tempo', 'prometheus/plain'],
        },
      },
    },
  };
}
