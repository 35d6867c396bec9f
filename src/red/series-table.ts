import type { RedRows, ResourceInfo, SeriesKey } from './red-rows.ts';

/** The series of one connector in one lane: dense ids, and who they are. */
export interface SeriesTable {
  /** Number of ids given out; id 0 .. size - 1. */
  readonly size: number;
  /** Of a series that was given up long ago, the key of all that had no room. */
  keyOf(series: number): SeriesKey;
  /** Id of the series in which one is counted that the table has no room for. */
  overflowOf(key: SeriesKey): number;
  /** Resources with a service.instance.id, in order of appearance; only ever appended to. */
  readonly resources: readonly ResourceInfo[];
}

/** Ids from here on are not the table's: `own[id - OWN_KEY]` says who they are, for as long as the rows live. */
export const OWN_KEY = 0x8000_0000;

/** Who a series of some rows is. */
export function seriesKeyOf(
  table: SeriesTable,
  { keys, ownKeys }: Pick<RedRows, 'keys' | 'ownKeys'>,
  series: number,
): SeriesKey {
  if (series >= OWN_KEY) return ownKeys?.[series - OWN_KEY] as SeriesKey;
  return keys?.[series] ?? table.keyOf(series);
}
