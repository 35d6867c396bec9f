import { expect, inject } from 'vitest';
import { type Samples, scrape } from '../../../bench/support/exposition.ts';
import type {} from '../../support/context.ts';
import { waitFor } from '../../support/wait.ts';
import { freeAddress, type Launch, type RunningEngine, startEngine } from './engine.ts';
import { query } from './parts.ts';

export interface IngesterOptions extends Pick<Launch, 'dir' | 'name' | 'env' | 'bin'> {
  readonly topic: string;
  readonly group: string;
  readonly database: string;
  /** Default: those that all tests share. */
  readonly brokers?: readonly string[];
  readonly clickhouseUrl?: string;
  /** Of service.spanweir. */
  readonly engine?: object;
  readonly receiver?: object;
  readonly exporter?: object;
  /** Of span_metrics. */
  readonly metrics?: object;
}

export interface Ingester {
  readonly engine: RunningEngine;
  /** The engine's own metrics. */
  readonly own: () => Promise<Samples>;
  /** Of one component, as the health check says it; '' when it is well. */
  readonly trouble: (component: string) => Promise<string>;
}

/** Kafka to ClickHouse with RED metrics, in a process of its own. */
export async function startIngester(options: IngesterOptions): Promise<Ingester> {
  const { topic, group, database } = options;
  const [own, health] = [await freeAddress(), await freeAddress()];
  const { brokers = inject('kafkaBrokers'), clickhouseUrl = inject('clickhouseUrl') } = options;
  const engine = await startEngine({
    ...options,
    config: {
      receivers: {
        kafka: {
          brokers,
          group_id: group,
          initial_offset: 'earliest',
          session_timeout: '6s',
          heartbeat_interval: '1s',
          traces: { topics: [topic] },
          ...options.receiver,
        },
      },
      connectors: { span_metrics: options.metrics ?? {} },
      exporters: { clickhouse: { endpoint: clickhouseUrl, database, ...options.exporter } },
      extensions: { healthcheckv2: { http: { endpoint: health } } },
      service: {
        extensions: ['healthcheckv2'],
        telemetry: { metrics: { address: own } },
        spanweir: { workers: 2, ...options.engine },
        pipelines: {
          traces: { receivers: ['kafka'], exporters: ['clickhouse', 'span_metrics'] },
          metrics: { receivers: ['span_metrics'], exporters: ['clickhouse'] },
        },
      },
    },
  });
  return {
    engine,
    own: async () => await scrape(`http://${own}/metrics`),
    trouble: async (component) => {
      const body = await (await fetch(`http://${health}/status?verbose`)).json();
      return troubleIn(body, component);
    },
  };
}

interface Status {
  readonly status?: string;
  readonly error?: string;
  readonly components?: Readonly<Record<string, Status>>;
}

function troubleIn(body: unknown, component: string): string {
  const { components = {} } = body as Status;
  for (const [key, status] of Object.entries(components)) {
    if (key === component) return status.status === 'StatusOK' ? '' : `${status.status}: ${status.error}`;
    const within = status.components === undefined ? undefined : troubleIn(status, component);
    if (within !== undefined && within !== 'unknown') return within;
  }
  return 'unknown';
}

/** Waits until all spans of the sender are stored, and holds every table against their number. */
export async function expectOnce(
  clickhouseUrl: string,
  database: string,
  sent: number,
  deadlineMs = 60_000,
): Promise<void> {
  const port = Number(new URL(clickhouseUrl).port);
  const counts = async () => {
    const [found] = await query<Record<string, number>>(
      port,
      `SELECT (SELECT count() FROM ${database}.otel_traces) AS rows,
              (SELECT uniqExact(TraceId) FROM ${database}.otel_traces) AS spans,
              (SELECT sum(Spans) FROM ${database}.span_metrics_10s) AS tenSeconds,
              (SELECT sum(Spans) FROM ${database}.span_metrics_1m) AS minutes,
              (SELECT sum(Spans) FROM ${database}.span_metrics_1h) AS hours,
              (SELECT sum(Spans) FROM ${database}.span_metrics_1d) AS days`,
    );
    return found;
  };
  const isThere = async (): Promise<boolean> => {
    const found = await counts();
    // An insert reaches one table after the other.
    return found !== undefined && Math.min(...Object.values(found).map(Number)) >= sent;
  };
  // What is missing is told by the comparison.
  await waitFor('all spans are stored', isThere, { deadlineMs, everyMs: 250 }).catch(() => undefined);
  expect(await counts()).toEqual({
    rows: sent,
    spans: sent,
    tenSeconds: sent,
    minutes: sent,
    hours: sent,
    days: sent,
  });
}
