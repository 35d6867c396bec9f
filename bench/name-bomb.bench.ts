import { createClient } from '@clickhouse/client';
import { Kafka, logLevel } from 'kafkajs';
import { newTopic } from '../test/support/new-topic.ts';
import { NameBomb } from './red/name-bomb.ts';
import { startEngine } from './support/engine.ts';
import { parseExposition, type Samples, scrape } from './support/exposition.ts';
import { cpuSeconds, maxRssMiB } from './support/process-usage.ts';
import { Session, until } from './support/session.ts';

const TOPIC = 'bomb';
const CALLS = 'traces_span_metrics_calls_total';
const PARTITIONS = 4;
const WARM_UP_MESSAGES = 200;
/** Beyond what the engine has before the bomb: a million names that it may remember, and blocks on their way. */
const MOST_GROWTH_MIB = 900;
/** Series on the page of metrics: those of the others, and of the bomb some that many spans had, and what is left. */
const MOST_BOMB_SERIES = 10_000;

/**
 * A service that makes a new span name for every span, among ten others that do not: memory stays bounded, the
 * totals of every service and kind stay exact, the others keep their series, and the culprit is named.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const names = size === 'full' ? 10_000_000 : 300_000;
  const seconds = size === 'full' ? 60 : 2;
  const session = await Session.open();
  try {
    const [http, native, metrics, own] = (await session.ports(4)) as [number, number, number, number];
    const kafka = new Kafka({ brokers: [...session.brokers], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    await newTopic(admin, { topic: TOPIC, numPartitions: PARTITIONS });
    await admin.disconnect();
    const engine = await startEngine({
      dir: session.dir,
      config: configuration(session.brokers, { http, native, metrics, own }),
    });
    session.onEnd(() => engine.stop(40_000));
    const producer = kafka.producer();
    await producer.connect();
    const bomb = new NameBomb();
    const send = async (messages: number, namesEach: number): Promise<void> => {
      const values = Array.from({ length: messages }, () => bomb.message(namesEach));
      const spread = values.map((value, i) => ({ value, partition: i % PARTITIONS }));
      await producer.send({ topic: TOPIC, messages: spread });
    };
    await send(WARM_UP_MESSAGES, 0);
    const page = (): Promise<Samples> => scrape(`http://127.0.0.1:${metrics}/metrics`);
    await until(page, (samples) => spansOf(samples) === bomb.spans);
    const before = maxRssMiB(engine.pid);
    const cpuBefore = cpuSeconds(engine.pid);
    const startedMs = performance.now();
    for (let sent = 0; sent < names; sent += 20_000) {
      await send(20, 1000);
      const aheadMs = ((sent + 20_000) / names) * seconds * 1000 - (performance.now() - startedMs);
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
    }
    const sentS = (performance.now() - startedMs) / 1000;
    const samples = await until(page, (found) => spansOf(found) === bomb.spans, 600_000, 2000);
    const doneS = (performance.now() - startedMs) / 1000;
    const rss = maxRssMiB(engine.pid);
    await producer.disconnect();
    console.log(
      `${bomb.spans} spans, ${names} of them with a name of their own, sent in ${sentS.toFixed(0)} s, counted after ` +
        `${doneS.toFixed(0)} s; ${(cpuSeconds(engine.pid) - cpuBefore).toFixed(0)} s of CPU`,
    );
    const told = parseExposition(await (await fetch(`http://127.0.0.1:${own}/metrics`)).text());
    return judge({ bomb, samples, told, growthMiB: rss - before, rss, stored: await stored(http) });
  } finally {
    await session.end();
  }
}

function configuration(
  brokers: readonly string[],
  ports: { readonly http: number; readonly native: number; readonly metrics: number; readonly own: number },
): object {
  return {
    receivers: {
      kafka: { brokers, group_id: 'bomb', initial_offset: 'earliest', traces: { topics: [TOPIC] } },
    },
    connectors: { span_metrics: { histogram: { disable: true } } },
    exporters: {
      clickhouse: { endpoint: `http://127.0.0.1:${ports.http}`, database: 'spanweir' },
      prometheus: { endpoint: `127.0.0.1:${ports.metrics}` },
    },
    extensions: {
      embedded_clickhouse: {
        directory: 'clickhouse',
        endpoint: `127.0.0.1:${ports.http}`,
        native_endpoint: `127.0.0.1:${ports.native}`,
      },
    },
    service: {
      extensions: ['embedded_clickhouse'],
      telemetry: { metrics: { address: `127.0.0.1:${ports.own}` } },
      pipelines: {
        traces: { receivers: ['kafka'], exporters: ['span_metrics'] },
        metrics: { receivers: ['span_metrics'], exporters: ['clickhouse', 'prometheus'] },
      },
    },
  };
}

function spansOf(samples: Samples): number {
  let sum = 0;
  for (const [key, value] of samples) if (key.startsWith(`${CALLS}{`)) sum += value;
  return sum;
}

interface Stored {
  readonly service: string;
  readonly kind: string;
  readonly name: string;
  readonly spans: number;
}

/** Of the bomb only by kind: its names are many. */
async function stored(port: number): Promise<Stored[]> {
  const client = createClient({ url: `http://127.0.0.1:${port}`, database: 'spanweir' });
  try {
    const result = await client.query({
      query: `SELECT toString(ServiceName) AS service, toString(SpanKind) AS kind, if(service = 'bomb', '', toString(SpanName)) AS name,
                     toFloat64(sum(Spans)) AS spans FROM span_metrics_1d GROUP BY ALL`,
      format: 'JSONEachRow',
    });
    return await result.json<Stored>();
  } finally {
    await client.close();
  }
}

function judge(seen: {
  readonly bomb: NameBomb;
  readonly samples: Samples;
  readonly told: Samples;
  readonly growthMiB: number;
  readonly rss: number;
  readonly stored: readonly Stored[];
}): boolean {
  const { bomb, growthMiB, rss, samples, told } = seen;
  const byKind = new Map<string, number>();
  const ofOthers = new Map<string, number>();
  let bombSeries = 0;
  for (const [key, value] of samples) {
    if (!key.startsWith(`${CALLS}{`)) continue;
    const label = (name: string): string => new RegExp(`\\b${name}="([^"]*)"`).exec(key)?.[1] ?? '';
    const service = label('service_name');
    const kind = `${service} ${label('span_kind')}`;
    byKind.set(kind, (byKind.get(kind) ?? 0) + value);
    if (service === 'bomb') bombSeries++;
    else ofOthers.set(`${kind} ${label('span_name')}`, value);
  }
  const storedByKind = new Map<string, number>();
  const storedOfOthers = new Map<string, number>();
  for (const { kind, name, service, spans } of seen.stored) {
    const key = `${service} SPAN_KIND_${kind.toUpperCase()}`;
    storedByKind.set(key, (storedByKind.get(key) ?? 0) + spans);
    if (service !== 'bomb') storedOfOthers.set(`${key} ${name}`, spans);
  }
  const culprit = told.get(
    'spanweir_span_metrics_folded_spans_total{connector="span_metrics",label="span.name",service="bomb"}',
  );
  const others = [...told.keys()].filter(
    (key) => key.startsWith('spanweir_span_metrics_folded_spans_total{') && !key.includes('service="bomb"'),
  );
  const demand = told.get('spanweir_span_metrics_series_demand{connector="span_metrics"}') ?? 0;
  return [
    check(
      `memory grew by ${growthMiB} MiB to ${rss} MiB (at most ${MOST_GROWTH_MIB} more)`,
      growthMiB <= MOST_GROWTH_MIB,
    ),
    check('Prometheus: totals by service and kind are those sent', isSame(byKind, bomb.byKind)),
    check('ClickHouse: totals by service and kind are those sent', isSame(storedByKind, bomb.byKind)),
    check(
      'Prometheus: every series of the other services is there and exact',
      isSame(ofOthers, bomb.ofOthers),
    ),
    check(
      'ClickHouse: every series of the other services is there and exact',
      isSame(storedOfOthers, bomb.ofOthers),
    ),
    check(
      `the bomb has ${bombSeries} series on the page (at most ${MOST_BOMB_SERIES})`,
      bombSeries <= MOST_BOMB_SERIES,
    ),
    check(`the culprit is named: ${culprit ?? 0} spans of bomb lost their span.name`, (culprit ?? 0) > 0),
    check('nobody else is named', others.length === 0),
    check(`without limits there would be some ${demand} series`, Math.abs(demand / bomb.names - 1) < 0.15),
  ].every(Boolean);
}

function isSame(found: ReadonlyMap<string, number>, wanted: ReadonlyMap<string, number>): boolean {
  return found.size === wanted.size && [...wanted].every(([key, value]) => found.get(key) === value);
}

function check(what: string, isGood: boolean): boolean {
  console.log(`  ${isGood ? 'ok    ' : 'MISSED'} ${what}`);
  return isGood;
}
