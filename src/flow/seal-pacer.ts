/** Of a lane with few partitions; a block is one insert per table, and ClickHouse wants few of them. */
const SEALS_PER_SECOND = 2.8;
const FEW_PARTITIONS = 8;
/** 64 partitions are then sealed every 5.6 s and 256 every 8.7 s, at 11 and 29 blocks a second. */
const GROWTH = 0.68;
/**
 * Blocks of a lane that the sinks have and have not answered for: enough to keep the sinks busy. More would
 * only wait, and stay as small as they are; a block that is still open grows, and what a slow database is short of
 * is inserts, not rows.
 */
const MAX_UNWRITTEN = 8;
/**
 * Seals that a pause leaves to be made up for: after a takeover all partitions wait at once, and the last one should
 * not have to wait for its turn.
 */
const SAVED_SEALS = 8;
/** Of one partition, whose blocks are written one after the other: one that is written and one that comes next. */
const MAX_UNCOMMITTED = 2;

/** A partition as the pacer sees it. */
export interface PacedPartition {
  /** When the open block was opened; undefined when there is none, or when its end is not for the lane to choose. */
  readonly lingersSinceMs: number | undefined;
  /** Of the open block. */
  readonly openBytes: number;
  /** Sealed blocks that the sinks have not answered for. */
  readonly unwrittenBlocks: number;
  /** Sealed blocks that are not committed, whatever they wait for. */
  readonly uncommittedBlocks: number;
}

/**
 * Spreads the blocks of a lane's partitions over time: the oldest first, each not before it has waited for the
 * linger, all together no faster than the rate that suits so many partitions, and none while enough are on their
 * way. A lone span thus waits for the linger only.
 */
export class SealPacer {
  #nextSealMs = Number.NEGATIVE_INFINITY;

  /** Those to seal now, of blocks that wait since `lingersSinceMs`. */
  due<T extends PacedPartition>(
    partitions: ReadonlySet<T>,
    at: { readonly nowMs: number; readonly lingerMs: number },
  ): T[] {
    const { nowMs, lingerMs } = at;
    if (lingerMs > 0 && this.#nextSealMs > nowMs) return [];
    const waiting: { readonly partition: T; readonly sinceMs: number }[] = [];
    for (const partition of partitions) {
      const sinceMs = partition.lingersSinceMs;
      if (sinceMs === undefined || nowMs - sinceMs < lingerMs) continue;
      if (lingerMs === 0 || isNext(partition)) waiting.push({ partition, sinceMs });
    }
    if (lingerMs === 0) return waiting.map(({ partition }) => partition);
    const room = waiting.length === 0 ? 0 : roomFor(partitions);
    if (room === 0) return [];
    waiting.sort((a, b) => a.sinceMs - b.sinceMs);
    const everyMs = 1000 / sealsPerSecond(partitions.size);
    const fromMs = Math.max(this.#nextSealMs, nowMs - (SAVED_SEALS - 1) * everyMs);
    // A hair more, since fractions of milliseconds do not add up exactly.
    const turns = Math.floor((nowMs - fromMs) / everyMs + 1e-6) + 1;
    const due = waiting.slice(0, Math.min(turns, room)).map(({ partition }) => partition);
    this.#nextSealMs = fromMs + due.length * everyMs;
    return due;
  }
}

/** Those to seal because the memory is used up: the largest, as many as the sinks can use now. */
export function toRelieve<T extends PacedPartition>(partitions: ReadonlySet<T>): T[] {
  const room = roomFor(partitions);
  if (room === 0) return [];
  return [...partitions]
    .filter((partition) => partition.lingersSinceMs !== undefined && isNext(partition))
    .sort((a, b) => b.openBytes - a.openBytes)
    .slice(0, room);
}

/** A block of a partition that is held up would only wait behind the others. */
function isNext({ uncommittedBlocks }: PacedPartition): boolean {
  return uncommittedBlocks < MAX_UNCOMMITTED;
}

function roomFor(partitions: ReadonlySet<PacedPartition>): number {
  let room = MAX_UNWRITTEN;
  for (const { unwrittenBlocks } of partitions) room -= unwrittenBlocks;
  return Math.max(0, room);
}

/** Blocks a second of a lane that owns so many partitions. */
export function sealsPerSecond(partitions: number): number {
  return SEALS_PER_SECOND * Math.max(1, partitions / FEW_PARTITIONS) ** GROWTH;
}
