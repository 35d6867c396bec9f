import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { startKafka } from '../../scripts/parts/kafka.mjs';
import { freePorts } from '../../scripts/parts/ports.mjs';
import { newTopic } from '../../test/support/new-topic.ts';
import { Workload } from '../workload.ts';
import { type Build, makeBuild } from './builds.ts';
import { checkTables, isExact, printVerdicts, type TableVerdict } from './checker.ts';
import { type Database, startDatabase } from './database.ts';
import { Fleet, type FleetSettings } from './fleet.ts';
import { GroupWatch } from './group.ts';
import { SteadyProducer } from './producer.ts';
import { ClickHouseProxy } from './proxy.ts';
import { SpanLedger } from './span-ledger.ts';

const SPANS_PER_MESSAGE = 100;
const ENDLESS = 100_000_000;
const VERIFY_MS = 300_000;

/** The runs that seek one bug each need not wait long for the session of a killed member to end. */
const BROKER = { 'log.retention.ms': -1, 'group.min.session.timeout.ms': 1000 };

/** The broker and the built program, shared by the runs of one bench. */
export interface Parts {
  readonly dir: string;
  readonly brokers: readonly string[];
  readonly build: Build;
  killBroker(): Promise<void>;
  end(): Promise<void>;
}

export async function openParts(): Promise<Parts> {
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-chaos-'));
  const [port, controllerPort] = (await freePorts(2)) as [number, number];
  const start = (): ReturnType<typeof startKafka> =>
    startKafka({ dir: join(dir, 'kafka'), port, controllerPort, settings: BROKER });
  let kafka = await start();
  const build = await makeBuild(join(dir, 'build'));
  return {
    dir,
    brokers: kafka.brokers,
    build,
    killBroker: async () => {
      await kafka.child.kill();
      kafka = await start();
    },
    end: async () => {
      await kafka.stop();
      if (process.env.CHAOS_KEEP === undefined) rmSync(dir, { recursive: true, force: true });
      else console.log(`kept: ${dir}`);
    },
  };
}

export interface WorldOptions {
  /** Of the topic, the group and the folder. */
  readonly name: string;
  readonly seed: number;
  readonly partitions: number;
  readonly spansPerSecond: number;
  readonly workers: number;
  readonly settings?: FleetSettings;
}

/** One run: a topic that is being produced to, a ClickHouse of its own behind a proxy, and the processes between. */
export class World {
  readonly parts: Parts;
  readonly ledger: SpanLedger;
  readonly database: Database;
  readonly proxy: ClickHouseProxy;
  readonly fleet: Fleet;
  readonly watch: GroupWatch;
  readonly producer: SteadyProducer;
  readonly topic: string;
  #rssMiB = 0;
  readonly #rssTimer: NodeJS.Timeout;

  private constructor(
    parts: Parts,
    made: { database: Database; proxy: ClickHouseProxy; ledger: SpanLedger; topic: string; fleet: Fleet },
    options: WorldOptions,
  ) {
    this.parts = parts;
    this.database = made.database;
    this.proxy = made.proxy;
    this.ledger = made.ledger;
    this.topic = made.topic;
    this.fleet = made.fleet;
    this.watch = new GroupWatch(parts.brokers, made.topic, made.topic);
    const workload = new Workload({
      spans: ENDLESS,
      seed: options.seed,
      startNs: BigInt(Date.now()) * 1_000_000n,
      spanIntervalNs: Math.round(1e9 / options.spansPerSecond),
      // Of weight 1: sums of durations are compared to the last nanosecond.
      rootAttributes: { 'sampler.type': 'probabilistic', 'sampler.param': 1 },
    });
    this.producer = SteadyProducer.start(
      {
        brokers: parts.brokers,
        topic: made.topic,
        messagesPerSecond: options.spansPerSecond / SPANS_PER_MESSAGE,
        messages: workload.messages(),
      },
      made.ledger,
    );
    this.#rssTimer = setInterval(() => this.#lookAtRss(), 500);
  }

  static async open(parts: Parts, options: WorldOptions): Promise<World> {
    const { name, partitions } = options;
    await createTopic(parts.brokers, name, partitions);
    await createTopic(parts.brokers, `${name}-dead`, 1);
    const dir = join(parts.dir, name);
    const database = await startDatabase(join(dir, 'clickhouse'));
    const proxy = await ClickHouseProxy.start(database.httpPort);
    const fleet = new Fleet({
      dir: join(dir, 'fleet'),
      brokers: parts.brokers,
      topic: name,
      group: name,
      clickhousePort: proxy.port,
      workers: options.workers,
      build: parts.build,
      settings: options.settings ?? {},
    });
    const ledger = new SpanLedger(partitions);
    return new World(parts, { database, proxy, fleet, ledger, topic: name }, options);
  }

  /** Largest RSS of any process seen so far. */
  get rssMiB(): number {
    return this.#rssMiB;
  }

  /** Starts processes; the first makes the schema. */
  async begin(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.fleet.start(name);
      await this.fleet.ready(name);
    }
    await this.stable(30_000);
  }

  /** Resolves when the group has been stable for a moment, or the deadline is over. */
  async stable(deadlineMs: number, forMs = 200): Promise<boolean> {
    const endMs = performance.now() + deadlineMs;
    while (this.watch.stableMs < forMs) {
      if (performance.now() > endMs) return false;
      await pause(50);
    }
    return true;
  }

  /** Ends production and waits until the group has committed everything, as long as that goes on; how long it took. */
  async settle(patienceMs = 180_000): Promise<{ readonly settled: boolean; readonly seconds: number }> {
    await this.producer.end();
    const startedMs = performance.now();
    let movedMs = startedMs;
    let least = Number.POSITIVE_INFINITY;
    for (;;) {
      const nowMs = performance.now();
      const seconds = (nowMs - startedMs) / 1000;
      const left = await this.#leftMessages().catch(() => least);
      if (left === 0) return { settled: true, seconds };
      if (left < least) [least, movedMs] = [left, nowMs];
      if (nowMs - movedMs > patienceMs) {
        console.log(`  ${least} messages are left, and have been for ${patienceMs / 1000} s`);
        return { settled: false, seconds };
      }
      await pause(300);
    }
  }

  /** Prints what every table holds, and what `spanweir verify` says. True when all of it is right. */
  async check(): Promise<boolean> {
    const verdicts = await this.tables();
    printVerdicts(verdicts);
    const verified = await this.verify();
    console.log(
      `  spanweir verify: ${verified.isRight ? verified.said.trim().split('\n').at(-1) : verified.said}`,
    );
    return isExact(verdicts) && verified.isRight;
  }

  tables(): Promise<TableVerdict[]> {
    return checkTables(this.database.query, this.ledger);
  }

  /** The program's own judgement, from the tables alone. */
  async verify(): Promise<{ readonly isRight: boolean; readonly said: string }> {
    const config = this.fleet.configFile('verify');
    const args = [this.fleet.build, 'verify', '--idle', '--config', config];
    const [code, said] = await new Promise<[number | null, string]>((resolve) => {
      const child = execFile(process.execPath, args, { timeout: VERIFY_MS }, (_error, stdout, stderr) =>
        resolve([child.exitCode, `${stderr}${stdout}`]),
      );
    });
    return { isRight: code === 0, said: code === null ? `no answer in ${VERIFY_MS / 1000} s` : said };
  }

  async end(): Promise<void> {
    clearInterval(this.#rssTimer);
    await this.producer.end().catch(() => {});
    await this.watch.end();
    await this.fleet.stopAll();
    await this.proxy.stop();
    await this.database.stop();
  }

  /** Produced, and not committed yet. */
  async #leftMessages(): Promise<number> {
    const positions = await this.watch.positions();
    let left = 0;
    for (let partition = 0; partition < this.ledger.partitions; partition++) {
      const at = positions.find((position) => position.partition === partition)?.offset ?? 0;
      left += Math.max(0, this.ledger.nextOffset(partition) - at);
    }
    return left;
  }

  #lookAtRss(): void {
    for (const name of this.fleet.names) this.#rssMiB = Math.max(this.#rssMiB, this.fleet.rssMiB(name));
  }
}

export async function createTopic(
  brokers: readonly string[],
  topic: string,
  partitions: number,
): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'chaos', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    await newTopic(admin, { topic, numPartitions: partitions });
  } finally {
    await admin.disconnect();
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
