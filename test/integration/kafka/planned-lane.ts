import { onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { BatchPool } from '../../../src/flow/batch-pool.ts';
import { type Block, insertToken, type KafkaOrigin, type StoredRange } from '../../../src/flow/block.ts';
import { Budget } from '../../../src/flow/budget.ts';
import { DataPathFlow } from '../../../src/flow/data-path.ts';
import type { BlockSink, LaneContext } from '../../../src/flow/lane.ts';
import { LaneIntake } from '../../../src/flow/lane-intake.ts';
import { kafkaReceiverConfig } from '../../../src/receivers/kafka/config.ts';
import { createKafkaLaneReceiver } from '../../../src/receivers/kafka/lane-receiver.ts';
import { deadline, laneContext } from './harness.ts';

/** A table that remembers tokens, as ClickHouse does, shared by all members of a group. */
export class TokenTable {
  /** By token, the first block that came with it. */
  readonly blocks = new Map<string, KafkaOrigin>();
  repeated = 0;

  insert(origin: KafkaOrigin): void {
    const token = insertToken('t', origin);
    if (this.blocks.has(token)) this.repeated += 1;
    else this.blocks.set(token, origin);
  }

  get records(): number {
    return [...this.blocks.values()].reduce((sum, { records }) => sum + records, 0);
  }

  /** Ranges per partition that do not begin where the one before ended. */
  get misfits(): string[] {
    const sorted = [...this.blocks.values()].sort(
      (a, b) => a.partition - b.partition || a.firstOffset - b.firstOffset,
    );
    return sorted
      .filter((block, i) => {
        const before = sorted[i - 1];
        const from = before?.partition === block.partition ? before.lastOffset + 1 : 0;
        return block.firstOffset !== from;
      })
      .map(({ partition, firstOffset, lastOffset }) => `${partition}:${firstOffset}-${lastOffset}`);
  }
}

export interface PlannedLane {
  readonly logs: { level: string; fields: object; message: string }[];
  readonly health: { status: string; reason: string | undefined }[];
  stop(withinMs?: number): Promise<void>;
}

export interface PlannedSettings {
  /** Before the table has the block. */
  readonly before?: (block: Block) => Promise<void>;
  /** Once the table has it. */
  readonly after?: (block: Block) => Promise<void>;
  readonly stored?: readonly StoredRange[];
  readonly blockRecords?: number;
}

/** A member of a group with the engine's own intake; one span a record, whatever its bytes. */
export async function startPlannedLane(
  options: object,
  table: TokenTable,
  settings: PlannedSettings = {},
): Promise<PlannedLane> {
  const logs: PlannedLane['logs'] = [];
  const health: { status: 'ok'; reason: string | undefined }[] = [];
  const context = laneContext(0, { logs, health: health as never });
  const intake = createIntake(context, sinkOf(table, settings), settings.blockRecords ?? 5);
  const receiver = createKafkaLaneReceiver(kafkaReceiverConfig.parse(options), context, intake);
  let isStopped = false;
  const stop = async (withinMs = 10_000): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    await receiver.stop(deadline(withinMs));
  };
  onTestFinished(() => stop(3000));
  await receiver.start();
  return { logs, health, stop };
}

function sinkOf(table: TokenTable, { before, after, stored = [] }: PlannedSettings): BlockSink {
  return {
    id: 'table',
    durable: true,
    effectOnce: true,
    blockWish: { spans: 1000, lingerMs: 20 },
    start: async () => {},
    stop: async () => {},
    stored: async () => [...stored],
    write: async (block) => {
      await before?.(block);
      if (block.origin.kind === 'kafka') table.insert(block.origin);
      await after?.(block);
    },
  };
}

function createIntake(context: LaneContext, sink: BlockSink, maxSpans: number): LaneIntake {
  const { clock, random, log } = { clock: systemClock, random: Math.random, log: context.log };
  const counter = (name: string) => context.instruments.counter(name, {});
  return new LaneIntake(
    {
      flow: new DataPathFlow(
        { throughput: undefined, connectors: new Map(), sinks: [sink] },
        { concurrency: 4, clock, random, log },
      ),
      pool: new BatchPool(4, { arenaBytes: 1 << 16, spans: 64 }),
      budget: new Budget(1 << 20),
      limits: { maxSpans, maxBytes: 1 << 20, lingerMs: 20 },
      scan: (batch) => {
        batch.spans += 1;
        return 1;
      },
      clock,
      random,
      log,
      instruments: {
        records: counter('records'),
        spans: counter('spans'),
        bytes: counter('bytes'),
        tombstones: counter('tombstones'),
        reformed: counter('reformed'),
        blockDuration: { record: () => {} },
        passedOver: counter('passed_over'),
        held: counter('held'),
        changed: counter,
        quarantined: counter,
        blocks: counter,
      },
    },
    'test',
  );
}
