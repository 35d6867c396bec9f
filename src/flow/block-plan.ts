import { z } from 'zod';

/**
 * A block that was made known before anything of it was written: whoever owns the partition next has to form
 * exactly this one again.
 */
export interface PlannedBlock {
  /** Where the block before ended; the first record may lie behind it. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Records in the range, tombstones and unreadable ones too. */
  readonly records: number;
  /** -1 when there are no records. */
  readonly firstRecordOffset: number;
  /** Of the record at firstRecordOffset, Unix ms; 0 when there is none. */
  readonly firstTimestampMs: number;
  /** By whose rules its rows are made: part of its insert tokens. */
  readonly revision: number;
}

/** What is said with each commit of a partition. */
export interface BlockPlan {
  /** Where the next block begins: the end of the last one. Offsets up to the committed one hold nothing. */
  readonly from: number;
  /** In order, each beginning where the one before ends. */
  readonly blocks: readonly PlannedBlock[];
  /** The sinks have blocks behind these that no plan led to: the next owner has to ask for them, too. */
  readonly isAsking?: boolean;
}

/** Of the form below; a release that has to change it in a way that this one can't read counts it up. */
const FORMAT = 1;

/** What the broker takes unless it was told otherwise (offset.metadata.max.bytes). */
export const MAX_METADATA_BYTES = 4096;

/** Blocks that one plan names: at most 100 bytes each. */
export const MAX_PLANNED_BLOCKS = 8;

/** As commit metadata: JSON, so that it can be read where a group's offsets are shown. */
export function encodePlan({ from, blocks, isAsking }: BlockPlan): string {
  const rows = blocks.map((block) => [
    block.firstOffset,
    block.lastOffset,
    block.records,
    block.firstRecordOffset,
    block.firstTimestampMs,
    block.revision,
  ]);
  return JSON.stringify({ spanweir: FORMAT, from, blocks: rows, ...(isAsking && { ask: 1 }) });
}

const numbers = z.tuple([z.int(), z.int(), z.int(), z.int(), z.int(), z.int()]);
const form = z.object({
  spanweir: z.literal(FORMAT),
  from: z.int(),
  blocks: z.array(numbers),
  ask: z.literal(1).optional(),
});
const anyForm = z.object({ spanweir: z.int() });

/**
 * 'none' = another program's commit, or one without anything; 'newer' = the plan of a release whose form this one
 * can't read: to be left to that one, untouched.
 */
export function decodePlan(metadata: string | null): BlockPlan | 'none' | 'newer' {
  if (metadata === null || !metadata.startsWith('{')) return 'none';
  const json = parsed(metadata);
  const plan = form.safeParse(json);
  if (plan.success) {
    const blocks = plan.data.blocks.map(toBlock);
    const { ask, from } = plan.data;
    return isChain(from, blocks) ? { from, blocks, ...(ask && { isAsking: true }) } : 'none';
  }
  const other = anyForm.safeParse(json);
  return other.success && other.data.spanweir > FORMAT ? 'newer' : 'none';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toBlock([firstOffset, lastOffset, records, firstRecordOffset, firstTimestampMs, revision]: z.output<
  typeof numbers
>): PlannedBlock {
  return { firstOffset, lastOffset, records, firstRecordOffset, firstTimestampMs, revision };
}

function isChain(from: number, blocks: readonly PlannedBlock[]): boolean {
  let next = from;
  for (const { firstOffset, lastOffset } of blocks) {
    if (firstOffset !== next || lastOffset < firstOffset) return false;
    next = lastOffset + 1;
  }
  return true;
}
