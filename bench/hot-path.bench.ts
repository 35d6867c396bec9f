/**
 * CPU per million spans of each stage that a span from Kafka passes on its way to Prometheus, in one process and
 * without a broker: where a slower or faster `cpu` bench comes from.
 *
 *     npx tsx bench/hot-path.bench.ts [rounds]
 *
 * The first round is shown by itself: what it costs more than the others is the compiler.
 */
import { crc32c } from '@node-rs/crc32';
import { SeriesLabels } from '../src/exporters/prometheus/labels.ts';
import { SeriesStore } from '../src/exporters/prometheus/series-store.ts';
import { readRecordBatches } from '../src/kafka/record-batch.ts';
import { DeltaFolder } from '../src/red/fold-windows.ts';
import { RedAggregator } from '../src/red/red-aggregator.ts';
import { Dictionary } from '../src/span/dictionary.ts';
import { OtlpScanner } from '../src/span/otlp-scanner.ts';
import { SpanBatch } from '../src/span/span-batch.ts';
import { DEFAULT_BUCKETS_MS } from './ledger.ts';
import { SPANS_PER_MESSAGE, Workload } from './workload.ts';

const ROUNDS = Number(process.argv[2] ?? 9);
const SPANS_PER_ROUND = 400_000;
const SPANS_PER_BLOCK = 20_000;
/** About a mebibyte, as one fetch brings. */
const MESSAGES_PER_FETCH = 25;
const STAGES = ['decode', 'scan', 'red', 'fold', 'apply'] as const;

type Costs = Record<(typeof STAGES)[number], number>;

const fetches = makeFetches();
const dictionary = new Dictionary();
const scanner = new OtlpScanner(dictionary);
const boundsNs = DEFAULT_BUCKETS_MS.map((ms) => ms * 1e6);
const aggregator = new RedAggregator(dictionary, { boundsNs });
const folder = new DeltaFolder(aggregator.series);
const store = new SeriesStore(
  new SeriesLabels(
    {
      namespace: 'traces.span.metrics',
      unit: 'ms',
      bounds: DEFAULT_BUCKETS_MS,
      dimensions: [],
      excluded: new Set(),
    },
    { utf8: false, constLabels: {}, scopeInfo: true },
  ),
  { limit: 1_000_000, used: 0, overflow: 0, births: 0 },
  { bucketCount: boundsNs.length + 1 },
);
/** As many as there are partitions, so that the caches see what they see in the engine. */
const batches = Array.from(
  { length: 8 },
  () => new SpanBatch(SPANS_PER_BLOCK * 512 + (1 << 20), (SPANS_PER_BLOCK * 9) >> 3),
);

const rounds: Costs[] = [];
for (let i = 0; i < ROUNDS; i++) rounds.push(await round());
show('first round', rounds[0] as Costs);
show('median of the others', medians(rounds.slice(1)));
show('best of the others', medians(rounds.slice(1), 0));

async function round(): Promise<Costs> {
  const costs: Costs = { decode: 0, scan: 0, red: 0, fold: 0, apply: 0 };
  let begunUs = cpuUs();
  const charge = (stage: keyof Costs): void => {
    const nowUs = cpuUs();
    costs[stage] += nowUs - begunUs;
    begunUs = nowUs;
  };
  let partition = 0;
  for (const fetched of fetches) {
    const batch = batches[partition++ % batches.length] as SpanBatch;
    const [read] = readRecordBatches(fetched);
    charge('decode');
    for (const record of read?.records ?? []) scanner.append(batch, record.value as Buffer, record);
    charge('scan');
    if (batch.spans < SPANS_PER_BLOCK) continue;
    const rows = aggregator.aggregate(batch);
    charge('red');
    const delta = folder.fold(rows);
    charge('fold');
    const keys = Array.from({ length: delta.rows === 0 ? 0 : aggregator.series.size }, (_, id) =>
      aggregator.series.keyOf(id),
    );
    begunUs = cpuUs();
    store.apply(0, delta, keys, { wallMs: 1, monotonicMs: 1 });
    charge('apply');
    batch.reset();
    charge('scan');
  }
  return costs;
}

/** One record batch each, messages round robin over the partitions that `round` reads in turn. */
function makeFetches(): Buffer[] {
  const startNs = BigInt(Date.now()) * 1_000_000n;
  const workload = new Workload({ spans: SPANS_PER_ROUND, startNs });
  const made: Buffer[] = [];
  let waiting: Buffer[] = [];
  for (const message of workload.messages()) {
    waiting.push(message);
    if (waiting.length < MESSAGES_PER_FETCH) continue;
    made.push(recordBatch(waiting, Date.now()));
    waiting = [];
  }
  return made;
}

/** A batch of magic 2, uncompressed, of records without keys and headers. */
function recordBatch(values: readonly Buffer[], timestampMs: number): Buffer {
  const header = Buffer.alloc(61);
  const parts: Buffer[] = [header];
  values.forEach((value, i) => {
    const fields = [...zigzag(0), ...zigzag(i), ...zigzag(-1), ...zigzag(value.length)];
    const length = zigzag(1 + fields.length + value.length + 1);
    parts.push(Buffer.from([...length, 0, ...fields]), value, Buffer.from([0]));
  });
  const batch = Buffer.concat(parts);
  batch.writeInt32BE(batch.length - 12, 8);
  batch[16] = 2;
  batch.writeInt32BE(values.length - 1, 23);
  batch.writeBigInt64BE(BigInt(timestampMs), 27);
  batch.writeBigInt64BE(BigInt(timestampMs), 35);
  batch.fill(0xff, 43, 57);
  batch.writeInt32BE(values.length, 57);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

function zigzag(value: number): number[] {
  const bytes: number[] = [];
  let rest = ((value << 1) ^ (value >> 31)) >>> 0;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function medians(of: readonly Costs[], at = of.length >> 1): Costs {
  const pick = (stage: keyof Costs): number =>
    of.map((costs) => costs[stage]).sort((a, b) => a - b)[at] as number;
  return Object.fromEntries(STAGES.map((stage) => [stage, pick(stage)])) as Costs;
}

function show(what: string, costs: Costs): void {
  const total = STAGES.reduce((sum, stage) => sum + costs[stage], 0);
  const cells = STAGES.map((stage) => `${stage} ${perMillion(costs[stage])}`);
  process.stdout.write(
    `${what.padEnd(20)} ${cells.join(', ')}, all ${perMillion(total)} CPU-ms per M spans\n`,
  );
}

function perMillion(us: number): string {
  return ((us / SPANS_PER_ROUND) * 1000).toFixed(0);
}

if (fetches.length * MESSAGES_PER_FETCH * SPANS_PER_MESSAGE !== SPANS_PER_ROUND)
  throw new Error('a round is cut short');
