/** Of a lane with few partitions; a block is one insert per table, and ClickHouse wants few of them. */
const SEALS_PER_SECOND = 2.8;
const FEW_PARTITIONS = 8;
/** 64 partitions are then sealed every 5.6 s and 256 every 8.7 s, at 11 and 29 blocks a second. */
const GROWTH = 0.68;

/**
 * Spreads the blocks of a lane's partitions over time: the oldest first, each not before it has waited for the
 * linger, all together no faster than the rate that suits so many partitions. A lone span thus waits for the
 * linger only.
 */
export class SealPacer {
  #nextSealMs = Number.NEGATIVE_INFINITY;

  /** Those to seal now, of blocks that wait since `lingersSinceMs`. */
  due<T extends { readonly lingersSinceMs: number | undefined }>(
    partitions: Iterable<T>,
    count: number,
    at: { readonly nowMs: number; readonly lingerMs: number },
  ): T[] {
    const { nowMs, lingerMs } = at;
    if (lingerMs > 0 && this.#nextSealMs > nowMs) return [];
    const waiting: { readonly partition: T; readonly sinceMs: number }[] = [];
    for (const partition of partitions) {
      const sinceMs = partition.lingersSinceMs;
      if (sinceMs !== undefined && nowMs - sinceMs >= lingerMs) waiting.push({ partition, sinceMs });
    }
    if (lingerMs === 0) return waiting.map(({ partition }) => partition);
    waiting.sort((a, b) => a.sinceMs - b.sinceMs);
    const everyMs = 1000 / sealsPerSecond(count);
    // Time that passed without anything to seal is not saved up.
    let nextMs = Math.max(this.#nextSealMs, nowMs - everyMs);
    const due: T[] = [];
    for (const { partition } of waiting) {
      if (nextMs > nowMs) break;
      due.push(partition);
      nextMs += everyMs;
    }
    this.#nextSealMs = nextMs;
    return due;
  }
}

/** Blocks a second of a lane that owns so many partitions. */
export function sealsPerSecond(partitions: number): number {
  return SEALS_PER_SECOND * Math.max(1, partitions / FEW_PARTITIONS) ** GROWTH;
}
