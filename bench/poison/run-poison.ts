import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { startKafka } from '../../scripts/parts/kafka.mjs';
import { freePort } from '../../scripts/parts/ports.mjs';
import { systemClock } from '../../src/base/clock.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { LogReader } from '../../src/kafka/log-reader.ts';
import { kafkaReceiverConfig } from '../../src/receivers/kafka/config.ts';
import { type FoundLetter, readLetter } from '../../src/receivers/kafka/dead-letter-headers.ts';
import { newTopic } from '../../test/support/new-topic.ts';
import { encodeProto } from '../../test/support/spans.ts';
import { type Child, startEngine } from '../support/engine.ts';
import { type Samples, scrape } from '../support/exposition.ts';
import { maxRssMiB } from '../support/process-usage.ts';
import { until } from '../support/session.ts';
import { GapWatch } from './gaps.ts';
import { type PoisonKind, poisonKinds } from './kinds.ts';

const TOPIC = 'poison';
const DEAD = 'poison-dead';
const GROUP = 'poison';
/** Good records around a batch that is damaged on disk. */
const BATCH = 10;
const EVERY_MS = 100;
/** The first one never has poison; the kinds share the others. Each block of each is several inserts. */
const PARTITIONS = 5;

function partitionOf(index: number): number {
  return 1 + (index % (PARTITIONS - 1));
}

export interface KindFigures {
  readonly kind: PoisonKind;
  readonly letters: readonly FoundLetter[];
  readonly spans: number;
  /**
   * Longest time that a record waited at the head of the partition of the kind, of the one without poison, and of
   * any other one, ms.
   */
  readonly gapMs: number;
  readonly controlGapMs: number;
  readonly otherGapMs: number;
  /** Most resident memory of the engine while the kind was worked on. */
  readonly rssMiB: number;
}

/** Good records of one partition: produced, in ClickHouse, distinct there, in Prometheus. */
export interface Neighbours {
  readonly partition: number;
  readonly sent: number;
  readonly rows: number;
  readonly distinct: number;
  readonly calls: number;
}

export interface PoisonRun {
  readonly figures: readonly KindFigures[];
  readonly neighbours: readonly Neighbours[];
  readonly hasDatabase: boolean;
  readonly maxRssMiB: number;
  readonly isAlive: boolean;
}

export interface PoisonOptions {
  readonly dir: string;
  /** Size of the largest message, MiB. */
  readonly large: number;
  /** Good traffic goes on for so long around each kind, at least. */
  readonly aroundMs: number;
  /** With ClickHouse behind it; without, the waits are those of reading alone. */
  readonly database: boolean;
}

/** Every kind of poison on a partition of its own, one after the other, under traffic on all of them. */
export async function runPoison({ dir, large, aroundMs, database }: PoisonOptions): Promise<PoisonRun> {
  const kinds = poisonKinds(large);
  const ports = { port: await freePort(), controllerPort: await freePort() };
  const broker = { dir: join(dir, 'kafka'), ...ports, settings: { 'message.max.bytes': 64 << 20 } };
  let kafkaPart = await startKafka(broker);
  const kafka = new Kafka({ brokers: kafkaPart.brokers, clientId: 'poison', logLevel: logLevel.NOTHING });
  const traffic = new Traffic(kafka, PARTITIONS);
  let engine: Awaited<ReturnType<typeof startPoisoned>> | undefined;
  try {
    await makeTopic(kafka, PARTITIONS);
    await traffic.fillForDisk(kinds);
    await kafkaPart.stop();
    for (const [index, { damage }] of kinds.entries()) {
      if (damage !== undefined)
        damageSecondBatch(join(dir, 'kafka', 'log', `${TOPIC}-${partitionOf(index)}`), damage);
    }
    kafkaPart = await startKafka(broker);
    const { brokers } = kafkaPart;
    const start = async (): Promise<Engine> => {
      engine = await startPoisoned(dir, brokers, database);
      return engine;
    };
    return await sendKinds({ kinds, kafka, traffic, start, aroundMs, brokers });
  } finally {
    await traffic.end();
    await engine?.child.stop(40_000);
    await kafkaPart.stop();
  }
}

interface Sending {
  readonly kinds: readonly PoisonKind[];
  readonly kafka: Kafka;
  readonly brokers: readonly string[];
  readonly traffic: Traffic;
  /** Starts the engine: not before somebody watches, since what was damaged on disk is what it meets first. */
  readonly start: () => Promise<Engine>;
  readonly aroundMs: number;
}

async function sendKinds({ kinds, kafka, brokers, traffic, start, aroundMs }: Sending): Promise<PoisonRun> {
  const admin = kafka.admin();
  await admin.connect();
  const watch = new GapWatch(admin, { group: GROUP, topic: TOPIC });
  const sender = new PoisonSender(brokers);
  // Made before: some take seconds, in which nobody could look at a clock.
  const payloads = kinds.map(({ value }) => (value === 'disk' ? null : value()));
  for (const [partition, end] of traffic.ends.entries()) {
    for (let offset = 0; offset < end; offset++) watch.acked(partition, offset);
  }
  watch.start();
  const engine = await start();
  const gaps: Omit<KindFigures, 'kind' | 'letters' | 'spans'>[] = [];
  const offsets: number[] = [];
  try {
    const begin = traffic.begin(watch);
    for (const [index, kind] of kinds.entries()) {
      const partition = partitionOf(index);
      // What was damaged on disk is met at the start, all of it at once; the first window has those waits.
      const passed =
        kind.value === 'disk'
          ? 2 * BATCH
          : await sender.send(payloads[index] ?? null, partition, kind.gzip === true);
      if (kind.value !== 'disk') watch.acked(partition, passed);
      const rss = rssWhile(engine.child.pid, async () => {
        await until(
          async () => watch.committed(partition),
          (committed) => committed > passed,
          60_000,
          20,
        );
        await pause(aroundMs);
      });
      const rssMiB = await rss;
      offsets.push(kind.value === 'disk' ? BATCH : passed);
      const longest = watch.takeLongest();
      const gapMs = longest.get(partition) ?? 0;
      const others = [...longest].filter(([other]) => other !== partition && (index > 1 || other > 2));
      const otherGapMs = Math.max(...others.map(([, ms]) => ms));
      gaps.push({ gapMs, controlGapMs: longest.get(0) ?? 0, otherGapMs, rssMiB });
      console.log(`  ${kind.name}: its partition waited for ${gapMs.toFixed(0)} ms at most`);
    }
    await traffic.end();
    await begin;
    await until(
      async () => traffic.ends.filter((end, partition) => watch.committed(partition) < end).length,
      (behind) => behind === 0,
      60_000,
    );
  } finally {
    await watch.stop();
    await sender.end();
    await admin.disconnect();
  }
  const isAlive = engine.child.running();
  const letters = await readLetters(brokers);
  const spans = await poisonSpans(engine);
  const figures = kinds.map((kind, index) => {
    const at = `${partitionOf(index)}:${offsets[index]}`;
    return {
      kind,
      letters: letters.filter(({ position }) => `${position.partition}:${position.offset}` === at),
      spans: spans.get(at) ?? 0,
      ...(gaps[index] as (typeof gaps)[number]),
    };
  });
  return {
    figures,
    neighbours: await countNeighbours(engine, traffic),
    hasDatabase: engine.clickhouse !== undefined,
    maxRssMiB: maxRssMiB(engine.child.pid),
    isAlive,
  };
}

/** Sends poison from another thread. */
class PoisonSender {
  readonly #worker: Worker;

  constructor(brokers: readonly string[]) {
    const workerData = { brokers: [...brokers], topic: TOPIC };
    this.#worker = new Worker(new URL('./sender.mjs', import.meta.url), { workerData });
  }

  /** Resolves with the offset. */
  async send(value: Buffer | null, partition: number, gzip: boolean): Promise<number> {
    const answered = once(this.#worker, 'message') as Promise<[number]>;
    this.#worker.postMessage({ value, partition, gzip });
    return (await answered)[0];
  }

  async end(): Promise<void> {
    const ended = once(this.#worker, 'exit');
    this.#worker.postMessage({ end: true });
    await ended;
  }
}

/** Good spans, one a record, with ids that are never used twice. */
class Traffic {
  readonly #producer: Producer;
  readonly #partitions: number;
  readonly #sent: number[];
  /** Offset behind the last good record. */
  readonly #ends: number[];
  #number = 0;
  #isOver = false;
  #isConnected = false;

  constructor(kafka: Kafka, partitions: number) {
    this.#producer = kafka.producer();
    this.#partitions = partitions;
    this.#sent = Array.from({ length: partitions }, () => 0);
    this.#ends = Array.from({ length: partitions }, () => 0);
  }

  sent(partition: number): number {
    return this.#sent[partition] as number;
  }

  get ends(): readonly number[] {
    return this.#ends;
  }

  /** Three batches each: the one in the middle will be damaged. */
  async fillForDisk(kinds: readonly PoisonKind[]): Promise<void> {
    await this.#connect();
    for (const [index, { damage }] of kinds.entries()) {
      if (damage === undefined) continue;
      const partition = partitionOf(index);
      for (let batch = 0; batch < 3; batch++) {
        const messages = Array.from({ length: BATCH }, () => ({ partition, value: this.#span(partition) }));
        await this.#producer.send({ topic: TOPIC, acks: -1, messages });
      }
      this.#sent[partition] = 2 * BATCH;
      this.#ends[partition] = 3 * BATCH;
    }
    await this.#producer.disconnect();
    this.#isConnected = false;
  }

  /** One record to every partition, again and again, until `end`. */
  async begin(watch: GapWatch): Promise<void> {
    await this.#connect();
    while (!this.#isOver) {
      const beganMs = performance.now();
      const messages = Array.from({ length: this.#partitions }, (_, partition) => ({
        partition,
        value: this.#span(partition),
      }));
      const answers = await this.#producer.send({ topic: TOPIC, acks: -1, messages });
      for (const { partition, baseOffset } of answers) {
        watch.acked(partition, Number(baseOffset));
        this.#sent[partition] = this.sent(partition) + 1;
        this.#ends[partition] = Number(baseOffset) + 1;
      }
      await pause(Math.max(0, EVERY_MS - (performance.now() - beganMs)));
    }
    await this.#producer.disconnect();
    this.#isConnected = false;
  }

  async end(): Promise<void> {
    this.#isOver = true;
  }

  async #connect(): Promise<void> {
    if (!this.#isConnected) await this.#producer.connect();
    this.#isConnected = true;
  }

  #span(partition: number): Buffer {
    const id = (++this.#number).toString(16).padStart(16, '0');
    const span = {
      spanId: id,
      traceId: id.repeat(2),
      name: 'good',
      startNs: BigInt(Date.now()) * 1_000_000n,
    };
    return encodeProto([{ service: serviceOf(partition), spans: [span] }]);
  }
}

function serviceOf(partition: number): string {
  return `neighbours of ${partition}`;
}

async function makeTopic(kafka: Kafka, numPartitions: number): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const configEntries = [{ name: 'max.message.bytes', value: String(64 << 20) }];
  await newTopic(admin, { topic: TOPIC, numPartitions, configEntries });
  await admin.disconnect();
}

/** Of the segment of a stopped broker. */
function damageSecondBatch(folder: string, damage: (batch: Buffer) => void): void {
  const segment = join(folder, '00000000000000000000.log');
  const bytes = readFileSync(segment);
  const from = 12 + bytes.readInt32BE(8);
  damage(bytes.subarray(from, from + 12 + bytes.readInt32BE(from + 8)));
  writeFileSync(segment, bytes);
}

async function startPoisoned(dir: string, brokers: readonly string[], database: boolean) {
  const [clickhouse, native, metrics, own] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const child: Child = await startEngine({
    dir: join(dir, 'engine'),
    config: {
      receivers: {
        kafka: {
          brokers,
          group_id: GROUP,
          initial_offset: 'earliest',
          traces: { topics: [TOPIC] },
          dead_letter: { topic: DEAD },
        },
      },
      connectors: { span_metrics: {} },
      exporters: {
        ...(database && { clickhouse: clickHouseExporter(clickhouse) }),
        prometheus: { endpoint: `127.0.0.1:${metrics}` },
      },
      extensions: {
        ...(database && { embedded_clickhouse: embedded(clickhouse, native) }),
      },
      service: {
        extensions: database ? ['embedded_clickhouse'] : [],
        telemetry: { metrics: { address: `127.0.0.1:${own}` } },
        // Without a wait for blocks to fill, and without their pace, what is left is what reading waits for.
        ...(!database && { spanweir: { block: { linger: '0s' } } }),
        pipelines: {
          traces: { receivers: ['kafka'], exporters: [...(database ? ['clickhouse'] : []), 'span_metrics'] },
          metrics: {
            receivers: ['span_metrics'],
            exporters: [...(database ? ['clickhouse'] : []), 'prometheus'],
          },
        },
      },
    },
  });
  const metricsUrl = `http://127.0.0.1:${metrics}/metrics`;
  return { child, clickhouse: database ? clickhouse : undefined, metricsUrl };
}

function clickHouseExporter(port: number): object {
  return { endpoint: `http://127.0.0.1:${port}`, database: 'spanweir', block: { linger: '100ms' } };
}

function embedded(port: number, nativePort: number): object {
  return {
    directory: 'clickhouse',
    endpoint: `127.0.0.1:${port}`,
    native_endpoint: `127.0.0.1:${nativePort}`,
  };
}

type Engine = Awaited<ReturnType<typeof startPoisoned>>;

async function query<T>({ clickhouse }: Engine, sql: string): Promise<T[]> {
  if (clickhouse === undefined) return [];
  const settings = 'output_format_json_quote_64bit_integers=0&default_format=JSONEachRow';
  const answer = await fetch(`http://127.0.0.1:${clickhouse}/?${settings}`, { method: 'POST', body: sql });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as T);
}

async function countNeighbours(engine: Engine, traffic: Traffic): Promise<Neighbours[]> {
  const rows = await query<{ service: string; rows: number; distinct: number }>(
    engine,
    `SELECT ServiceName AS service, count() AS rows, uniqExact(SpanId) AS distinct
     FROM spanweir.otel_traces GROUP BY service`,
  );
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const isThere = (seen: Samples): boolean =>
    partitions.every((partition) => calls(seen, partition) >= traffic.sent(partition));
  const samples = await until(() => scrape(engine.metricsUrl), isThere, 10_000).catch(() =>
    scrape(engine.metricsUrl),
  );
  return partitions.map((partition) => {
    const found = rows.find(({ service }) => service === serviceOf(partition));
    const { rows: stored = 0, distinct = 0 } = found ?? {};
    const sent = traffic.sent(partition);
    return { partition, sent, rows: stored, distinct, calls: calls(samples, partition) };
  });
}

function calls(samples: Samples, partition: number): number {
  let sum = 0;
  const label = `service_name="${serviceOf(partition)}"`;
  for (const [key, value] of samples) {
    if (key.startsWith('traces_span_metrics_calls_total{') && key.includes(label)) sum += value;
  }
  return sum;
}

/** Spans of the poison itself, by the partition and offset that they came from. */
async function poisonSpans(engine: Engine): Promise<ReadonlyMap<string, number>> {
  const found = await query<{ at: string; spans: number }>(
    engine,
    `SELECT concat(toString(KafkaPartition), ':', toString(KafkaOffset)) AS at, count() AS spans
     FROM spanweir.otel_traces WHERE NOT startsWith(ServiceName, 'neighbours of') GROUP BY at`,
  );
  return new Map(found.map(({ at, spans }) => [at, spans]));
}

async function readLetters(brokers: readonly string[]): Promise<FoundLetter[]> {
  const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const config = kafkaReceiverConfig.parse({ brokers });
  const reader = await LogReader.open(await createKafka(config, { log: quiet, clock: systemClock }));
  const letters: FoundLetter[] = [];
  for (const { partition, low, high } of await reader.ends(DEAD)) {
    for await (const { records } of reader.read(DEAD, partition, { from: low, to: high })) {
      for (const record of records) {
        const letter = readLetter(record);
        if (letter !== undefined && 'reason' in letter) letters.push(letter);
      }
    }
  }
  await reader.close();
  return letters;
}

async function rssWhile(pid: number, work: () => Promise<void>): Promise<number> {
  let most = 0;
  const look = setInterval(() => {
    const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    most = Math.max(most, Math.round(Number(line?.[1]) / 1024));
  }, 25);
  try {
    await work();
  } finally {
    clearInterval(look);
  }
  return most;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
