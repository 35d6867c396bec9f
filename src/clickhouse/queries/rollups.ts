/** The RED tables, coarsest first: the length of their windows, and how long they are kept unless told otherwise. */
export const ROLLUPS = [
  { table: 'span_metrics_1d', grainS: 86_400 },
  { table: 'span_metrics_1h', grainS: 3600 },
  { table: 'span_metrics_1m', grainS: 60 },
  { table: 'span_metrics_10s', grainS: 10 },
] as const;

export type RollupTable = (typeof ROLLUPS)[number]['table'];

/** Seconds that each table's rows are kept; 0 = for ever. */
export type KeptS = Readonly<Record<RollupTable, number>>;

export interface RangeS {
  /** Unix seconds. */
  readonly fromS: number;
  /** The first second that is left out. */
  readonly toS: number;
}

export interface RollupPiece extends RangeS {
  readonly table: RollupTable;
}

const FINEST_S = 10;
const DAY_S = 86_400;
const MOST_POINTS = 120;
const STEPS_S = [10, 30, 60, 300, 900, 3600, 21_600, DAY_S] as const;

/** A step that makes some hundred points of a range, in windows that are still kept where it begins. */
export function usualStep(range: RangeS, grainS: number): number {
  const least = Math.max((range.toS - range.fromS) / MOST_POINTS, grainS);
  return STEPS_S.find((step) => step >= least) ?? up(least, DAY_S);
}

/**
 * The range in whole windows of `grainS`. Of 10 s, both ends go down, so that the length stays and the newest window
 * is left out while it fills; of coarser ones, which are long past, the ends go outward. With a step, the range begins
 * with a whole one.
 */
export function wholeWindows(range: RangeS, grainS: number, stepS?: number): RangeS {
  const toS = grainS > FINEST_S ? up(range.toS, grainS) : down(range.toS, FINEST_S);
  return { fromS: down(range.fromS, stepS ?? grainS), toS };
}

const ROUGHLY = 24;
/** From here on the windows of a range that is told roughly are coarser than the finest. */
export const LEAST_ROUGH_S = ROUGHLY * 60;

/** Where a range begins that is told as so long ago: with a whole minute, hour or day, which is at most a 24th of it. */
export function roughGrain({ fromS, toS }: RangeS): number {
  return ROLLUPS.find(({ grainS }) => toS - fromS >= ROUGHLY * grainS)?.grainS ?? FINEST_S;
}

/** The end of the day: what is read up to now may be read in windows that are not over yet. */
export function openEnd(toS: number): number {
  return up(toS, DAY_S);
}

/**
 * The fewest rows that make up a range exactly: the coarsest windows that lie wholly in it, and finer ones at its
 * ends. With a step no window is longer than what the step is made of.
 *
 * @param range of `wholeWindows`
 */
export function planRollups(range: RangeS, stepS?: number): RollupPiece[] {
  return cover(
    range,
    ROLLUPS.filter(({ grainS }) => stepS === undefined || stepS % grainS === 0),
  );
}

function cover({ fromS, toS }: RangeS, usable: readonly (typeof ROLLUPS)[number][]): RollupPiece[] {
  const [coarsest, ...finer] = usable;
  if (coarsest === undefined || fromS >= toS) return [];
  const { table, grainS } = coarsest;
  const first = up(fromS, grainS);
  const end = down(toS, grainS);
  if (first >= end) return cover({ fromS, toS }, finer);
  return [
    ...cover({ fromS, toS: first }, finer),
    { table, fromS: first, toS: end },
    ...cover({ fromS: end, toS }, finer),
  ];
}

/** Length of the finest windows that are still kept of a time; whole days expire. */
export function grainKeptAt(atS: number, nowS: number, kept: KeptS): number {
  let grain: number = ROLLUPS[0].grainS;
  for (const { table, grainS } of ROLLUPS) {
    const keptS = kept[table];
    if (keptS === 0 || atS >= down(nowS - keptS, DAY_S) + DAY_S) grain = grainS;
  }
  return grain;
}

function down(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

function up(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
