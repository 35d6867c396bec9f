import { isBroken } from '../base/failpoints.ts';
import type { KafkaOrigin } from './block.ts';
import type { PlannedBlock } from './block-plan.ts';
import type { PartitionSource, SourceRecord } from './intake.ts';
import type { OpenBlock } from './open-block.ts';

/** How a block that was formed again compares with its plan. */
export type ReformVerdict = 'same' | 'fewer_records' | 'more_records' | 'other_log';

/** A range of offsets, from its first record to its commit. */
export class PartitionBlock {
  readonly block: OpenBlock;
  readonly firstOffset: number;
  /** Records put aside; the block is not safe before they are. */
  readonly quarantines: Promise<void>[] = [];
  /** Still read by a sink. */
  isInFlight = false;
  /** A write of it was begun and given up: any part of it may be stored. */
  wasTried = false;
  readonly #reformed: PlannedBlock | undefined;
  #planned: PlannedBlock | undefined;
  #records = 0;
  #quarantined = 0;
  #firstRecordOffset = -1;
  #firstTimestampMs = 0;
  #lastTimestampMs = 0;
  #lastRecordMs: number | undefined;

  /** @param reformed what an earlier owner planned here, if anyone did */
  constructor(block: OpenBlock, firstOffset: number, reformed: PlannedBlock | undefined) {
    this.block = block;
    this.firstOffset = firstOffset;
    this.#reformed = reformed;
  }

  /** An earlier owner planned it. */
  get isReformed(): boolean {
    return this.#reformed !== undefined;
  }

  /** As the broker is told of it; of sealed blocks only. */
  get planned(): PlannedBlock {
    if (this.#planned === undefined) throw new Error('the block is still open');
    return this.#planned;
  }

  count({ offset, timestampMs }: SourceRecord): void {
    if (this.#records === 0) {
      this.#firstRecordOffset = offset;
      this.#firstTimestampMs = timestampMs;
    }
    this.#records += 1;
    this.#lastTimestampMs = Math.max(this.#lastTimestampMs, timestampMs);
    this.#lastRecordMs = timestampMs;
  }

  /** Timestamps of the first and of the last record, in the order of the log; undefined without any. */
  get bounds(): { readonly firstMs: number; readonly lastMs: number } | undefined {
    if (this.#lastRecordMs === undefined) return undefined;
    return { firstMs: this.#firstTimestampMs, lastMs: this.#lastRecordMs };
  }

  countQuarantined(written: Promise<void>): void {
    this.#quarantined += 1;
    this.quarantines.push(written);
  }

  seal(lastOffset: number, revision: number): ReformVerdict {
    const reformed = this.#reformed;
    this.#planned = (isBroken('plan_revision_ignored') && reformed
      ? { ...reformed, revision }
      : reformed) ?? {
      firstOffset: this.firstOffset,
      lastOffset,
      records: this.#records,
      firstRecordOffset: this.#firstRecordOffset,
      firstTimestampMs: this.#firstTimestampMs,
      revision,
    };
    return this.#verdict();
  }

  origin(source: PartitionSource): KafkaOrigin {
    const { clusterId, topic, partition } = source;
    const { firstOffset, lastOffset, firstTimestampMs, revision } = this.planned;
    return {
      kind: 'kafka',
      clusterId,
      topic,
      partition,
      firstOffset,
      lastOffset,
      records: this.#records,
      quarantined: this.#quarantined,
      // In a log that was made anew the plan's tokens would get these records taken for the old ones.
      firstTimestampMs: this.#verdict() === 'other_log' ? this.#firstTimestampMs : firstTimestampMs,
      lastTimestampMs: this.#lastTimestampMs,
      revision,
      mayBeStored: this.isReformed || this.wasTried,
      isChanged: this.#verdict() !== 'same',
    };
  }

  #verdict(): ReformVerdict {
    const plan = this.#reformed;
    if (plan === undefined) return 'same';
    const isSameRecord = this.#firstRecordOffset === plan.firstRecordOffset;
    if (isSameRecord && this.#firstTimestampMs !== plan.firstTimestampMs) return 'other_log';
    if (this.#records > plan.records) return 'more_records';
    return this.#records < plan.records || !isSameRecord ? 'fewer_records' : 'same';
  }
}
