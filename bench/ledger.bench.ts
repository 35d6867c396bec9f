import { createClient } from '@clickhouse/client';
import type { Ledger } from './ledger.ts';
import { callsBySeries, differences } from './support/compare.ts';
import { startEngine } from './support/engine.ts';
import { scrape, total } from './support/exposition.ts';
import { Session, until } from './support/session.ts';
import { committedMessages, fillTopic } from './support/topic.ts';
import { Workload } from './workload.ts';

const PARTITIONS = 8;

/** Every span of a topic is in Prometheus and in ClickHouse once, per series, however many workers there are. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const spans = size === 'full' ? 2_000_000 : 40_000;
  const session = await Session.open();
  try {
    const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    const workload = new Workload({ spans, startNs });
    await fillTopic(session.brokers, 'otlp_spans', { partitions: PARTITIONS, workload });
    let isRight = true;
    for (const workers of [1, 2]) isRight = (await runWith(session, workload.ledger, workers)) && isRight;
    return isRight;
  } finally {
    await session.end();
  }
}

async function runWith(session: Session, ledger: Ledger, workers: number): Promise<boolean> {
  const [http, native, metrics, own, health] = (await session.ports(5)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const group = `ledger-${workers}`;
  const engine = await startEngine({
    dir: `${session.dir}/${group}`,
    config: {
      receivers: {
        kafka: {
          brokers: session.brokers,
          group_id: group,
          initial_offset: 'earliest',
          traces: { topics: ['otlp_spans'], encoding: 'otlp_proto' },
        },
      },
      connectors: { span_metrics: {} },
      exporters: {
        clickhouse: { endpoint: `http://127.0.0.1:${http}`, database: 'spanweir' },
        prometheus: { endpoint: `127.0.0.1:${metrics}` },
      },
      extensions: {
        embedded_clickhouse: {
          directory: 'clickhouse',
          endpoint: `127.0.0.1:${http}`,
          native_endpoint: `127.0.0.1:${native}`,
        },
        healthcheckv2: { use_v2: true, http: { endpoint: `127.0.0.1:${health}` } },
      },
      service: {
        extensions: ['embedded_clickhouse', 'healthcheckv2'],
        telemetry: { metrics: { address: `127.0.0.1:${own}` } },
        spanweir: { workers },
        pipelines: {
          traces: { receivers: ['kafka'], exporters: ['clickhouse', 'span_metrics'] },
          metrics: { receivers: ['span_metrics'], exporters: ['clickhouse', 'prometheus'] },
        },
      },
    },
  });
  try {
    const startedMs = performance.now();
    await until(
      () => committedMessages(session.brokers, group, 'otlp_spans'),
      (messages) => messages === ledger.messages,
    );
    const seconds = (performance.now() - startedMs) / 1000;
    const url = `http://127.0.0.1:${metrics}/metrics`;
    const samples = await until(
      () => scrape(url),
      (seen) => total(seen, 'traces_span_metrics_calls_total') >= ledger.spans,
      30_000,
    );
    const inPrometheus = callsBySeries(samples);
    const inClickHouse = await clickhouseSeries(http);
    const rows = [...inClickHouse.values()].reduce((sum, n) => sum + n, 0);
    const red = await redTotal(http);
    const wrong = [...differences(ledger, inPrometheus), ...differences(ledger, inClickHouse)];
    const calls = total(samples, 'traces_span_metrics_calls_total');
    console.log(
      `workers ${workers}: sent ${ledger.spans}, Prometheus ${calls}, ClickHouse spans ${rows}, ` +
        `RED ${red}; ${wrong.length} of ${inPrometheus.size} series differ; ${seconds.toFixed(1)} s`,
    );
    for (const line of wrong.slice(0, 10)) console.log(`  ${line}`);
    return wrong.length === 0 && rows === ledger.spans && calls === ledger.spans && red === ledger.spans;
  } finally {
    await engine.stop(30_000);
  }
}

async function clickhouseSeries(port: number): Promise<Map<string, number>> {
  const client = createClient({ url: `http://127.0.0.1:${port}`, database: 'spanweir' });
  const result = await client.query({
    query: `SELECT concat(ServiceName, '|', SpanName, '|SPAN_KIND_', upper(SpanKind), '|STATUS_CODE_', upper(StatusCode)) AS series,
                   count() AS spans FROM otel_traces GROUP BY series`,
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ series: string; spans: string }>();
  await client.close();
  return new Map(rows.map(({ series, spans }) => [series, Number(spans)]));
}

async function redTotal(port: number): Promise<number> {
  const client = createClient({ url: `http://127.0.0.1:${port}`, database: 'spanweir' });
  const result = await client.query({
    query: 'SELECT sum(Spans) AS spans FROM span_metrics_10s',
    format: 'JSONEachRow',
  });
  const rows = await result.json<{ spans: string }>();
  await client.close();
  return Number(rows[0]?.spans);
}
