import type { ResourceInfo, SeriesKey } from './red-rows.ts';

/** The series of one connector in one lane: dense ids, and who they are. */
export interface SeriesTable {
  /** Number of ids given out; id 0 .. size - 1. */
  readonly size: number;
  keyOf(series: number): SeriesKey;
  /** Resources with a service.instance.id, in order of appearance; only ever appended to. */
  readonly resources: readonly ResourceInfo[];
}
