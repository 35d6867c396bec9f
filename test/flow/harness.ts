import { SpanweirError } from '../../src/base/errors.ts';
import type { Counter } from '../../src/base/instruments.ts';
import { BatchPool } from '../../src/flow/batch-pool.ts';
import type { Block, StoredRange } from '../../src/flow/block.ts';
import { Budget } from '../../src/flow/budget.ts';
import { DataPathFlow } from '../../src/flow/data-path.ts';
import type { PartitionSource, QuarantinedRecord, SourceRecord } from '../../src/flow/intake.ts';
import type { IntakeDeps } from '../../src/flow/intake-shared.ts';
import type { BlockSink } from '../../src/flow/lane.ts';
import { LaneIntake } from '../../src/flow/lane-intake.ts';
import type { ThroughputRows } from '../../src/sampling/roots/throughput-rows.ts';
import { FakeClock } from './fake-clock.ts';

/** A write that the test lets succeed or fail by hand. */
export interface Write {
  readonly block: Block;
  /** Copied when written: the batch is used again afterwards. */
  readonly spans: number;
  readonly succeed: () => void;
  readonly fail: (error: Error) => void;
}

/** An intake over a sink that waits for the test, and a scanner that counts one span per payload byte. */
export class FlowHarness {
  readonly clock = new FakeClock();
  readonly budget: Budget;
  readonly writes: Write[] = [];
  readonly committedBlocks: string[] = [];
  readonly commits: number[] = [];
  /** What was committed with each of `commits`. */
  readonly metadata: (string | null)[] = [];
  readonly quarantined: QuarantinedRecord[] = [];
  readonly counts = new Map<string, number>();
  readonly intake: LaneIntake;
  derive: () => ThroughputRows = () => [];
  stored: readonly StoredRange[] = [];
  isInTouch = true;
  /** Partitions that the intake gave up by itself. */
  abandoned = 0;
  commitAnswer: () => Promise<'committed' | 'fenced'> = async () => 'committed';

  /** @param isEffectOnce whether the sink wants planned blocks */
  constructor(
    limits = { maxSpans: 1000, maxBytes: 1 << 20, lingerMs: 100 },
    budgetBytes = 1 << 20,
    isEffectOnce = false,
    isDurable = true,
  ) {
    this.budget = new Budget(budgetBytes);
    const { clock, budget } = this;
    const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const sink: BlockSink = {
      id: 'sink',
      durable: isDurable,
      effectOnce: isEffectOnce,
      stored: async () => [...this.stored],
      blockWish: { spans: 1000, lingerMs: 100 },
      start: async () => {},
      stop: async () => {},
      write: (block) =>
        new Promise((resolve, reject) => {
          this.writes.push({ block, spans: block.batch.spans, succeed: resolve, fail: reject });
        }),
      committed: ({ origin }) => {
        this.committedBlocks.push(
          origin.kind === 'kafka' ? `${origin.firstOffset}-${origin.lastOffset}` : 'request',
        );
      },
    };
    const deps: IntakeDeps = {
      flow: new DataPathFlow(
        { throughput: { derive: () => this.derive() }, connectors: new Map(), sinks: [sink] },
        { concurrency: 4, clock, random: () => 1, log },
      ),
      pool: new BatchPool(4, { arenaBytes: 1 << 16, spans: 64 }),
      budget,
      limits,
      scan: (batch, payload, _encoding, record) => {
        if (payload[0] === 0xff) throw new SpanweirError('BAD_DATA', 'bad');
        batch.recordOffset[batch.records] = record.offset;
        batch.recordAt[batch.records] = batch.arenaUsed;
        batch.arena.set(payload, batch.arenaUsed);
        batch.arenaUsed += payload.length;
        batch.recordEnd[batch.records] = batch.arenaUsed;
        batch.records++;
        batch.spans += payload.length;
        return payload.length;
      },
      clock,
      random: () => 1,
      log,
      instruments: {
        records: this.#counter('records'),
        spans: this.#counter('spans'),
        bytes: this.#counter('bytes'),
        tombstones: this.#counter('tombstones'),
        reformed: this.#counter('reformed'),
        changed: (how) => this.#counter(`changed ${how}`),
        blockDuration: { record: () => {} },
        passedOver: this.#counter('passed over'),
        held: this.#counter('held'),
        quarantined: (reason) => this.#counter(`quarantined ${reason}`),
        blocks: (outcome) => this.#counter(`blocks ${outcome}`),
      },
    };
    this.intake = new LaneIntake(deps, 'test');
  }

  openPartition(position: PartitionSource['position'] = { offset: 0, metadata: null }, partition = 0) {
    return this.intake.openPartition({
      clusterId: 'c',
      topic: 't',
      partition,
      revision: 1,
      encoding: 'otlp_proto',
      position,
      mayBegin: () => this.isInTouch,
      commit: async (nextOffset, metadata) => {
        const answer = await this.commitAnswer();
        if (answer === 'committed') {
          this.commits.push(nextOffset);
          this.metadata.push(metadata);
        }
        return answer;
      },
      quarantine: async (record) => void this.quarantined.push(record),
      abandoned: () => {
        this.abandoned += 1;
      },
    });
  }

  #counter(name: string): Counter {
    return { add: (n) => void this.counts.set(name, (this.counts.get(name) ?? 0) + n) };
  }
}

/** `bytes` spans at `offset`. */
export function record(offset: number, bytes = 1, fill = 0): SourceRecord {
  return { offset, timestampMs: 1000 + offset, key: null, value: new Uint8Array(bytes).fill(fill) };
}
