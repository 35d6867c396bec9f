/** Offsets, both ends included. */
export interface OffsetRange {
  readonly first: number;
  readonly last: number;
}

/** Sorted, disjoint, and with those that touch joined. */
export function joined(ranges: readonly OffsetRange[]): OffsetRange[] {
  const sorted = ranges.filter(({ first, last }) => last >= first).sort((a, b) => a.first - b.first);
  const result: { first: number; last: number }[] = [];
  for (const { first, last } of sorted) {
    const previous = result.at(-1);
    if (previous !== undefined && first <= previous.last + 1) previous.last = Math.max(previous.last, last);
    else result.push({ first, last });
  }
  return result;
}

/** What of `ranges` is in none of `others`. */
export function without(ranges: readonly OffsetRange[], others: readonly OffsetRange[]): OffsetRange[] {
  const holes = joined(others);
  const result: OffsetRange[] = [];
  let at = 0;
  for (const { first, last } of joined(ranges)) {
    let from = first;
    while (at > 0 && (holes[at - 1] as OffsetRange).last >= from) at--;
    for (; at < holes.length; at++) {
      const hole = holes[at] as OffsetRange;
      if (hole.first > last) break;
      if (hole.first > from) result.push({ first: from, last: hole.first - 1 });
      from = Math.max(from, hole.last + 1);
    }
    if (from <= last) result.push({ first: from, last });
  }
  return result;
}

/** What is in both. */
export function common(ranges: readonly OffsetRange[], others: readonly OffsetRange[]): OffsetRange[] {
  return without(ranges, without(ranges, others));
}

/** How many offsets they have together; they must be disjoint. */
export function countOffsets(ranges: readonly OffsetRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** A range to be read; `whole` = it was one block, and has to be one again. */
export interface WorkRange extends OffsetRange {
  readonly whole: boolean;
}

/**
 * Cuts a hole at the ends of blocks that are known to have been there. What lies before a known end is that block,
 * as far as it has rows; the rest is nobody's. `ends` are offsets behind the last record, ascending.
 */
export function cutAtEnds(
  hole: OffsetRange,
  ends: readonly number[],
  withRows: readonly OffsetRange[],
): WorkRange[] {
  const result: WorkRange[] = [];
  const add = (first: number, last: number, whole: boolean): void => {
    if (first <= last) result.push({ first, last, whole });
  };
  let from = hole.first;
  for (const end of ends) {
    if (end <= from || end > hole.last + 1) continue;
    // A block before this one may be gone without a trace: it must not be taken for a part of it.
    const rows = common([{ first: from, last: end - 1 }], withRows)[0];
    const first = rows?.first ?? from;
    add(from, first - 1, false);
    add(first, end - 1, true);
    from = end;
  }
  add(from, hole.last, false);
  return result;
}
