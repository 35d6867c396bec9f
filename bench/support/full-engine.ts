import { createClient } from '@clickhouse/client';
import { type Child, startEngine } from './engine.ts';
import type { Session } from './session.ts';

/** A whole engine on free ports, and how to look into it. */
export interface FullEngine {
  readonly child: Child;
  readonly clickhousePort: number;
  readonly metricsUrl: string;
  readonly ownMetricsUrl: string;
  readonly otlpUrl: string;
  readonly query: <T>(sql: string) => Promise<T[]>;
}

/** Kafka and OTLP into the embedded ClickHouse and Prometheus. The same `name` finds the same data again. */
export async function startFullEngine(
  session: Session,
  options: {
    readonly name: string;
    readonly group: string;
    readonly topic: string;
    readonly workers?: number;
    /** Merged into service.spanweir. */
    readonly settings?: object;
    /** HTTP port of a ClickHouse that runs elsewhere; without it the engine embeds one. */
    readonly clickhousePort?: number;
  },
): Promise<FullEngine> {
  const [freeHttp, native, metrics, own, health, otlp] = (await session.ports(6)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const http = options.clickhousePort ?? freeHttp;
  const embedded = options.clickhousePort === undefined;
  const child = await startEngine({
    dir: `${session.dir}/${options.name}`,
    config: {
      receivers: {
        kafka: {
          brokers: session.brokers,
          group_id: options.group,
          initial_offset: 'earliest',
          traces: { topics: [options.topic], encoding: 'otlp_proto' },
        },
        otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } },
      },
      connectors: { span_metrics: {} },
      exporters: {
        clickhouse: { endpoint: `http://127.0.0.1:${http}`, database: 'spanweir' },
        prometheus: { endpoint: `127.0.0.1:${metrics}` },
      },
      extensions: {
        ...(embedded && { embedded_clickhouse: embeddedClickHouse(http, native) }),
        healthcheckv2: { use_v2: true, http: { endpoint: `127.0.0.1:${health}` } },
      },
      service: {
        extensions: [...(embedded ? ['embedded_clickhouse'] : []), 'healthcheckv2'],
        telemetry: { metrics: { address: `127.0.0.1:${own}` } },
        spanweir: { workers: options.workers ?? 1, ...options.settings },
        pipelines: {
          traces: { receivers: ['kafka', 'otlp'], exporters: ['clickhouse', 'span_metrics'] },
          metrics: { receivers: ['span_metrics'], exporters: ['clickhouse', 'prometheus'] },
        },
      },
    },
  });
  return {
    child,
    clickhousePort: http,
    metricsUrl: `http://127.0.0.1:${metrics}/metrics`,
    ownMetricsUrl: `http://127.0.0.1:${own}/metrics`,
    otlpUrl: `http://127.0.0.1:${otlp}/v1/traces`,
    query: (sql) => query(http, sql),
  };
}

/** Nothing but ClickHouse, so that it can be taken away; what an earlier one left under `name` is still there. */
export async function startDatabase(
  session: Session,
  options: { readonly name: string; readonly httpPort: number; readonly nativePort: number },
): Promise<Child> {
  const { name, httpPort, nativePort } = options;
  return await startEngine({
    dir: `${session.dir}/${name}`,
    name,
    config: {
      receivers: { nop: {} },
      exporters: { nop: {} },
      extensions: { embedded_clickhouse: embeddedClickHouse(httpPort, nativePort) },
      service: {
        extensions: ['embedded_clickhouse'],
        telemetry: { metrics: { level: 'none' } },
        pipelines: { traces: { receivers: ['nop'], exporters: ['nop'] } },
      },
    },
  });
}

function embeddedClickHouse(http: number, native: number): object {
  return {
    directory: 'clickhouse',
    endpoint: `127.0.0.1:${http}`,
    native_endpoint: `127.0.0.1:${native}`,
  };
}

async function query<T>(port: number, sql: string): Promise<T[]> {
  const client = createClient({ url: `http://127.0.0.1:${port}`, database: 'spanweir' });
  try {
    const result = await client.query({ query: sql, format: 'JSONEachRow' });
    return await result.json<T>();
  } finally {
    await client.close();
  }
}
