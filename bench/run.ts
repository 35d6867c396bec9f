import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { profileInto, tellProfiles } from './support/profiles.ts';

/**
 * `npm run bench -- NAME [--size tiny|full]`: each prints its figures and ends with 1 when they are wrong. `--write` puts
 * the tables of a full run into bench/README.md. `--profile` leaves a CPU profile of every thread of the engines in data/profiles.
 */
const BENCHES: Readonly<Record<string, { readonly what: string; readonly load: () => Promise<Bench> }>> = {
  ledger: {
    what: 'spans on a topic = calls in Prometheus = rows in ClickHouse, per series, with 1 and 2 workers',
    load: () => import('./ledger.bench.ts'),
  },
  parity: {
    what: 'the same file in the collector and here: the same series and values, label for label',
    load: () => import('./parity.bench.ts'),
  },
  differential: {
    what: 'random requests to the collector and here, in many configurations: the same series and values',
    load: () => import('./differential.bench.ts'),
  },
  cpu: {
    what: "kafka -> span_metrics -> prometheus: spans per CPU-second, ours over the collector's",
    load: () => import('./cpu.bench.ts'),
  },
  codecs: {
    what: 'the same from topics packed with lz4, snappy, gzip and zstd',
    load: () => import('./codecs.bench.ts'),
  },
  'small-messages': {
    what: 'the same with 1, 10 and 1,000 spans in a message',
    load: () => import('./small-messages.bench.ts'),
  },
  scaling: {
    what: 'CPU per span from Kafka to /metrics with ever more series, services and partitions',
    load: () => import('./scaling.bench.ts'),
  },
  workers: {
    what: 'two workers on two cores over one: CPU and wall time from Kafka to /metrics',
    load: () => import('./workers.bench.ts'),
  },
  freshness: {
    what: 'how long until a lone span on the topic is queryable in ClickHouse',
    load: () => import('./freshness.bench.ts'),
  },
  outage: {
    what: 'stop and start under load, ClickHouse away: nothing acknowledged is lost, memory is bounded',
    load: () => import('./outage.bench.ts'),
  },
  recovery: {
    what: 'two processes, one killed; ClickHouse frozen and killed: how soon the full rate is back, nothing lost or double',
    load: () => import('./recovery.bench.ts'),
  },
  pace: {
    what: 'at half load with 8, 64 and 256 partitions: age of spans when queryable, inserts a second, bytes in flight',
    load: () => import('./pace.bench.ts'),
  },
  'protocol-cost': {
    what: 'CPU of effect-once over at-least-once, in pairs; the rate of the collector that loses nothing',
    load: () => import('./protocol-cost.bench.ts'),
  },
  'store-cpu': {
    what: "kafka -> spans in ClickHouse: CPU of client and server, ours over the collector's clickhouse exporter",
    load: () => import('./store-cpu.bench.ts'),
  },
  'native-cost': {
    what: 'CPU of client and server for each stored span, as Native over the same rows as JSONEachRow',
    load: () => import('./native-cost.bench.ts'),
  },
  chaos: {
    what: 'kill -9 at random under load, 200 times: every span is in every table once',
    load: () => import('./chaos.bench.ts'),
  },
  'chaos-faults': {
    what: 'every kind of fault once, under load: every span is in every table once',
    load: () => import('./chaos-faults.bench.ts'),
  },
  'chaos-stops': {
    what: 'SIGTERM under load, 100 times: nothing lost, nothing double, every stop within 10 s',
    load: () => import('./chaos-stops.bench.ts'),
  },
  'chaos-collector': {
    what: 'the collector under the load and the kills of `chaos`: what it loses and doubles',
    load: () => import('./chaos-collector.bench.ts'),
  },
  'chaos-mutations': {
    what: 'every rule of effect-once is broken once: the harness must notice each',
    load: () => import('./chaos-mutations.bench.ts'),
  },
  poison: {
    what: 'every kind of bad record: one dead letter or none, neighbours counted, how long a partition waits, memory',
    load: () => import('./poison.bench.ts'),
  },
  'red-intervals': {
    what: 'sampled traffic: how often the true count lies in the stated 95 % interval, and the mean error',
    load: () => import('./red-intervals.bench.ts'),
  },
  'name-bomb': {
    what: 'ten million span names in a minute: memory, exact totals, other services untouched, the culprit named',
    load: () => import('./name-bomb.bench.ts'),
  },
  'replay-equal': {
    what: 'a topic read twice, and by 1 and 4 workers: the same RED tables',
    load: () => import('./replay-equal.bench.ts'),
  },
  'sampling-control': {
    what: "adaptive sampling on made-up traffic beside Jaeger's algorithm: settling, budgets, lag, conformance",
    load: () => import('./sampling-control.bench.ts'),
  },
  'sampling-round': {
    what: 'a round of the default sampling controller over 100,000 operations: CPU',
    load: () => import('./sampling-round.bench.ts'),
  },
  quantiles: {
    what: 'quantiles from ClickHouse against the nearest rank, at every rollup; bytes of scales 4 and 5',
    load: () => import('./quantiles.bench.ts'),
  },
  'rollup-queries': {
    what: '30 days x 2,000 series in rollups: how long the server takes for what dashboards ask',
    load: () => import('./rollup-queries.bench.ts'),
  },
  sampling: {
    what: "a real SDK's sampler in the loop: shares of decisions, steps of traffic, a restart",
    load: () => import('./sampling.bench.ts'),
  },
  'sampling-ha': {
    what: 'three replicas under load, the controller killed 20 times: versions, how far apart, steps of probabilities',
    load: () => import('./sampling-ha.bench.ts'),
  },
  'sampling-polls': {
    what: 'polls of 50,000 services over kept connections: per CPU-second (HTTP, gRPC), and how long at 5,000 a second',
    load: () => import('./sampling-polls.bench.ts'),
  },
  'sampling-clients': {
    what: 'samplers of the Go, Java, JavaScript and Rust SDKs poll the engine: each applies what it was served',
    load: () => import('./sampling-clients.bench.ts'),
  },
  'otlp-cpu': {
    what: "OTLP gRPC and HTTP in -> span_metrics: spans per CPU-second, ours over the collector's",
    load: () => import('./otlp-cpu.bench.ts'),
  },
  'start-up': {
    what: 'empty start to ready, without and with an embedded ClickHouse',
    load: () => import('./start-up.bench.ts'),
  },
  'series-memory': {
    what: 'bytes of memory for each RED series, up to 1 M series, and for each worker',
    load: () => import('./series-memory.bench.ts'),
  },
  scrape: {
    what: 'CPU of a scrape of 100,000 lines, plain and gzipped; what a scrape every second costs ingest',
    load: () => import('./scrape.bench.ts'),
  },
  overload: {
    what: 'a full topic, and OTLP offered three times what is accepted: spans per CPU-second over the peak',
    load: () => import('./overload.bench.ts'),
  },
};

export interface Bench {
  /** Resolves with false when a figure is wrong. */
  readonly bench: (size: 'tiny' | 'full') => Promise<boolean>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    size: { type: 'string', default: 'full' },
    write: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
const name = positionals[0] ?? '';
const chosen = BENCHES[name];
if (chosen === undefined || (values.size !== 'tiny' && values.size !== 'full')) {
  const list = Object.entries(BENCHES).map(([key, { what }]) => `  ${key.padEnd(13)} ${what}`);
  console.error(`usage: npm run bench -- NAME [--size tiny|full] [--write] [--profile]\n${list.join('\n')}`);
  process.exit(2);
}
if (values.write && values.size === 'full') process.env.BENCH_WRITE = '1';
const profiles = values.profile ? resolve('data/profiles', `${name}-${Date.now()}`) : undefined;
if (profiles !== undefined) {
  mkdirSync(profiles, { recursive: true });
  profileInto(profiles);
}
const { bench } = await chosen.load();
const isRight = await bench(values.size);
if (profiles !== undefined) tellProfiles(profiles);
// The SDK's sampler has a timer that never ends by itself.
process.exit(isRight ? 0 : 1);
