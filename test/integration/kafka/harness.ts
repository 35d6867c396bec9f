import { onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Deadline } from '../../../src/base/component.ts';
import type { HealthStatus, Log } from '../../../src/base/instruments.ts';
import type {
  Intake,
  PartitionIntake,
  PartitionSource,
  QuarantinedRecord,
  SourceRecord,
} from '../../../src/flow/intake.ts';
import type { LaneContext, LaneReceiver } from '../../../src/flow/lane.ts';
import { type KafkaReceiverConfig, kafkaReceiverConfig } from '../../../src/receivers/kafka/config.ts';
import { createKafkaLaneReceiver } from '../../../src/receivers/kafka/lane-receiver.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { waitFor } from '../../support/wait.ts';

/** What all members of a test's group did, as the world outside saw it. */
export class World {
  /** Text of every record whose block was committed, per `topic/partition`, in commit order. */
  readonly durable = new Map<string, string[]>();
  /** What must never happen, in words. */
  readonly violations: string[] = [];
  readonly #committed = new Map<string, number>();
  /** Blocks whose commit was asked for and not answered: a broker that is killed may have taken it before. */
  readonly #asked = new Map<string, readonly FakeBlock[]>();

  get count(): number {
    return [...this.durable.values()].reduce((sum, list) => sum + list.length, 0);
  }

  offered(key: string, record: SourceRecord): void {
    const committed = this.#committed.get(key) ?? 0;
    if (record.offset < committed)
      this.violations.push(`${key}@${record.offset} offered, committed ${committed}`);
  }

  /** A partition begins anew at the group's position: what was asked for and lies below it was committed. */
  opened(key: string, offset: number): void {
    const asked = this.#asked.get(key) ?? [];
    this.#asked.set(key, []);
    for (const block of asked) if (block.nextOffset <= offset) this.committed(key, block);
  }

  asksFor(key: string, block: FakeBlock): void {
    const others = (this.#asked.get(key) ?? []).filter((other) => other !== block);
    this.#asked.set(key, [...others, block]);
  }

  committed(key: string, block: FakeBlock): void {
    const { nextOffset } = block;
    const asked = (this.#asked.get(key) ?? []).filter((other) => other !== block);
    this.#asked.set(key, asked);
    const before = this.#committed.get(key) ?? 0;
    if (nextOffset < before) this.violations.push(`${key} committed ${nextOffset} after ${before}`);
    this.#committed.set(key, nextOffset);
    this.durable.set(key, [...(this.durable.get(key) ?? []), ...block.texts]);
  }
}

interface FakeBlock {
  readonly texts: string[];
  nextOffset: number;
  isWritten: boolean;
}

/** How a lane treats its blocks. */
export interface FakeSettings {
  readonly blockRecords: number;
  /** What stands for the sinks. */
  write(texts: readonly string[]): Promise<void>;
  isPoison(text: string): boolean;
}

/** An Intake that does what its interface says, with blocks of texts instead of spans. */
export class FakeIntake implements Intake {
  readonly freeBytes = Number.POSITIVE_INFINITY;
  readonly partitions: FakePartition[] = [];
  readonly #world: World;
  readonly #settings: FakeSettings;

  constructor(world: World, settings: FakeSettings) {
    this.#world = world;
    this.#settings = settings;
  }

  openPartition(source: PartitionSource): PartitionIntake {
    const partition = new FakePartition(source, this.#world, this.#settings);
    this.partitions.push(partition);
    return partition;
  }

  request(): Promise<never> {
    return Promise.reject(new Error('not in this test'));
  }
}

export class FakePartition implements PartitionIntake {
  readonly ready = Promise.resolve();
  readonly isReforming = false;
  readonly held = undefined;
  readonly isSettled = true;
  readonly storedUntilMs = undefined;
  readonly source: PartitionSource;
  readonly #world: World;
  readonly #settings: FakeSettings;
  readonly #key: string;
  #open: FakeBlock | undefined;
  #blocks: FakeBlock[] = [];
  #next = -1;
  #isCommitting = false;
  isDropped = false;
  skipped: number[] = [];

  constructor(source: PartitionSource, world: World, settings: FakeSettings) {
    this.source = source;
    this.#world = world;
    this.#settings = settings;
    this.#key = `${source.topic}/${source.partition}`;
    world.opened(this.#key, source.position.offset);
  }

  async offer(records: readonly SourceRecord[]): Promise<void> {
    for (const record of records) {
      if (this.isDropped) return;
      this.#world.offered(this.#key, record);
      if (record.offset < this.#next)
        this.#world.violations.push(`${this.#key} went back to ${record.offset}`);
      this.#next = record.offset + 1;
      const text = Buffer.from(record.value ?? []).toString();
      this.#open ??= { texts: [], nextOffset: 0, isWritten: false };
      const open = this.#open;
      open.nextOffset = record.offset + 1;
      if (this.#settings.isPoison(text)) await this.source.quarantine(poisoned(record));
      else open.texts.push(text);
      if (open.texts.length >= this.#settings.blockRecords) this.seal();
    }
    setTimeout(() => this.seal(), 20);
    // Backpressure: no more than four blocks in flight.
    while (this.#blocks.length > 4 && !this.isDropped) await systemClock.sleep(5);
  }

  skipTo(nextOffset: number): void {
    this.skipped.push(nextOffset);
    if (nextOffset <= this.#next) return;
    this.#next = nextOffset;
    this.#open ??= { texts: [], nextOffset, isWritten: false };
    this.#open.nextOffset = nextOffset;
    setTimeout(() => this.seal(), 20);
  }

  seal(): void {
    const block = this.#open;
    if (block === undefined || this.isDropped) return;
    this.#open = undefined;
    this.#blocks.push(block);
    void this.#settings.write(block.texts).then(() => {
      block.isWritten = true;
      void this.#commit();
    });
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.seal();
    while (this.#blocks.length > 0 && !signal.aborted && !this.isDropped) await systemClock.sleep(5);
  }

  drop(): void {
    this.isDropped = true;
    this.#open = undefined;
    this.#blocks = [];
  }

  async #commit(): Promise<void> {
    if (this.#isCommitting) return;
    this.#isCommitting = true;
    for (let block = this.#blocks[0]; block?.isWritten === true; block = this.#blocks[0]) {
      this.#world.asksFor(this.#key, block);
      const outcome = await this.#tryCommit(block.nextOffset);
      if (this.isDropped) break;
      if (outcome === 'fenced') {
        this.drop();
        break;
      }
      if (outcome === undefined) continue;
      this.#world.committed(this.#key, block);
      this.#blocks.shift();
    }
    this.#isCommitting = false;
  }

  async #tryCommit(nextOffset: number): Promise<'committed' | 'fenced' | undefined> {
    try {
      return await this.source.commit(nextOffset, null);
    } catch {
      await systemClock.sleep(100);
      return undefined;
    }
  }
}

function poisoned(record: SourceRecord): QuarantinedRecord {
  return { record, reason: 'malformed' };
}

export interface Lane {
  readonly receiver: LaneReceiver;
  readonly intake: FakeIntake;
  readonly health: { status: HealthStatus; reason: string | undefined }[];
  readonly logs: { level: string; fields: object; message: string }[];
  readonly values: Map<string, number>;
  stop(withinMs?: number): Promise<void>;
}

export interface LaneSettings extends Partial<FakeSettings> {
  readonly world: World;
  readonly lane?: number;
  readonly intake?: FakeIntake;
}

/** One lane with the receiver of `options` (as a user writes them); it stops when the test ends. */
export async function startLane(options: object, settings: LaneSettings): Promise<Lane> {
  const { world, blockRecords = 10, write = () => Promise.resolve(), isPoison = () => false } = settings;
  const intake = settings.intake ?? new FakeIntake(world, { blockRecords, write, isPoison });
  const health: Lane['health'] = [];
  const logs: Lane['logs'] = [];
  const values = new Map<string, number>();
  const context = laneContext(settings.lane ?? 0, { health, logs, values });
  const config: KafkaReceiverConfig = kafkaReceiverConfig.parse(options);
  const receiver = createKafkaLaneReceiver(config, context, intake);
  let isStopped = false;
  const stop = async (withinMs = 10_000): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await receiver.stop(deadline(withinMs));
  };
  onTestFinished(() => stop(3000));
  await receiver.start();
  return { receiver, intake, health, logs, values, stop };
}

export function laneContext(
  lane: number,
  into: { health?: Lane['health']; logs?: Lane['logs']; values?: Map<string, number> } = {},
): LaneContext {
  const { health = [], logs = [], values = new Map<string, number>() } = into;
  const logTo = (level: string) => (fields: object, message: string) => {
    logs.push({ level, fields, message });
  };
  const log: Log = { debug: logTo('debug'), info: logTo('info'), warn: logTo('warn'), error: logTo('error') };
  const keyOf = (name: string, labels: object = {}): string => `${name}${JSON.stringify(labels)}`;
  return {
    id: 'kafka',
    lane,
    lanes: 1,
    revision: 1,
    clock: systemClock,
    random: Math.random,
    log,
    dictionary: new Dictionary(),
    instruments: {
      counter: (name, labels) => ({
        add: (n) => void values.set(keyOf(name, labels), (values.get(keyOf(name, labels)) ?? 0) + n),
      }),
      timer: () => ({ record: () => {} }),
      gauge: (name, labels) => ({ set: (value) => void values.set(keyOf(name, labels), value) }),
    },
    health: { report: (status, reason) => void health.push({ status, reason }) },
    post: () => undefined,
  };
}

export function deadline(ms: number): Deadline {
  const end = performance.now() + ms;
  return { signal: AbortSignal.timeout(ms), remainingMs: () => Math.max(0, end - performance.now()) };
}

export function joined(...lanes: readonly Lane[]): Promise<boolean> {
  return waitFor('every lane has joined', () => lanes.every(({ health }) => health.at(-1)?.status === 'ok'));
}

/** Sum of a counter over its labels. */
export function total(lane: Lane, name: string): number {
  let sum = 0;
  for (const [key, value] of lane.values) if (key.startsWith(`${name}{`)) sum += value;
  return sum;
}
