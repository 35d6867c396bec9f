import type { Ledger } from './ledger.ts';
import { callsBySeries, differences } from './support/compare.ts';
import { scrape, total } from './support/exposition.ts';
import { type FullEngine, startFullEngine } from './support/full-engine.ts';
import { Session, until } from './support/session.ts';
import { committedMessages, fillTopic } from './support/topic.ts';
import { Workload } from './workload.ts';

const TOPIC = 'ledger';
const PARTITIONS = 8;

/** Every span of a topic is in Prometheus and in ClickHouse once, per series, however many workers there are. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const spans = size === 'full' ? 2_000_000 : 20_000;
  const session = await Session.open();
  try {
    const startNs = BigInt(Date.now() - 60_000) * 1_000_000n;
    const workload = new Workload({ spans, startNs });
    await fillTopic(session.brokers, TOPIC, { partitions: PARTITIONS, workload });
    let isRight = true;
    for (const workers of [1, 2]) isRight = (await runWith(session, workload.ledger, workers)) && isRight;
    return isRight;
  } finally {
    await session.end();
  }
}

async function runWith(session: Session, ledger: Ledger, workers: number): Promise<boolean> {
  const group = `ledger-${workers}`;
  const engine = await startFullEngine(session, { name: group, group, topic: TOPIC, workers });
  try {
    const startedMs = performance.now();
    await until(
      () => committedMessages(session.brokers, group, TOPIC),
      (messages) => messages === ledger.messages,
    );
    const seconds = (performance.now() - startedMs) / 1000;
    const samples = await until(
      () => scrape(engine.metricsUrl),
      (seen) => total(seen, 'traces_span_metrics_calls_total') >= ledger.spans,
      30_000,
    );
    const inPrometheus = callsBySeries(samples);
    const inClickHouse = await clickhouseSeries(engine);
    const rows = [...inClickHouse.values()].reduce((sum, n) => sum + n, 0);
    const [red] = await engine.query<{ spans: string }>('SELECT sum(Spans) AS spans FROM span_metrics_10s');
    const wrong = [...differences(ledger, inPrometheus), ...differences(ledger, inClickHouse)];
    const calls = total(samples, 'traces_span_metrics_calls_total');
    console.log(
      `workers ${workers}: sent ${ledger.spans}, Prometheus ${calls}, ClickHouse spans ${rows}, ` +
        `RED ${red?.spans}; ${wrong.length} of ${inPrometheus.size} series differ; ${seconds.toFixed(1)} s`,
    );
    for (const line of wrong.slice(0, 10)) console.log(`  ${line}`);
    return (
      wrong.length === 0 &&
      rows === ledger.spans &&
      calls === ledger.spans &&
      Number(red?.spans) === ledger.spans
    );
  } finally {
    await engine.child.stop(30_000);
  }
}

async function clickhouseSeries(engine: FullEngine): Promise<Map<string, number>> {
  const rows = await engine.query<{ series: string; spans: string }>(
    `SELECT concat(ServiceName, '|', SpanName, '|SPAN_KIND_', upper(SpanKind), '|STATUS_CODE_', upper(StatusCode)) AS series,
            count() AS spans FROM otel_traces GROUP BY series`,
  );
  return new Map(rows.map(({ series, spans }) => [series, Number(spans)]));
}
