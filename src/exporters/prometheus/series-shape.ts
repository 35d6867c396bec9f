import { formatGo, formatOpenMetrics } from './go-number.ts';
import type { NumberStyle } from './number-text.ts';
import { durationStyles, GO, type LinesContext, lineStart, OPEN_FLOAT } from './text-lines.ts';

/** The lines that each series of a family has: what stands around its labels, and which numbers. */
export interface SeriesShape {
  /** Of each line, what stands before the labels. */
  readonly starts: readonly Buffer[];
  /** What stands between labels and number. */
  readonly middles: readonly Buffer[];
  readonly styles: readonly NumberStyle[];
  /** What stands before the labels of the line that tells when a series began, where there is one. */
  readonly created: Buffer | undefined;
  /** The numbers of a series, one for each line. */
  read(id: number, into: Float64Array): void;
}

export function counterShape({ name, store, format, created }: LinesContext): SeriesShape {
  const isOpen = name.endsWith('_total');
  return {
    starts: [lineStart(name, '')],
    middles: [CLOSE],
    styles: [format.openMetrics ? OPEN_FLOAT : GO],
    created: created && isOpen ? lineStart(name.slice(0, -'_total'.length), '_created') : undefined,
    read: (id, into) => {
      into[0] = store.calls[id] as number;
    },
  };
}

export function durationShape(context: LinesContext, bounds: readonly number[]): SeriesShape {
  const { name, store, format, unit, created } = context;
  const formatFloat = format.openMetrics ? formatOpenMetrics : formatGo;
  const middles = [...bounds, Number.POSITIVE_INFINITY].map((le) =>
    Buffer.from(`,le="${formatFloat(le)}"} `),
  );
  const { count: countStyle, sum: sumStyle } = durationStyles(format, unit);
  const width = store.bucketCount;
  const own = new Float64Array(width);
  const bucketStart = lineStart(name, '_bucket');
  return {
    starts: [...middles.map(() => bucketStart), lineStart(name, '_sum'), lineStart(name, '_count')],
    middles: [...middles, CLOSE, CLOSE],
    styles: [...middles.map(() => countStyle), sumStyle, countStyle],
    created: created ? lineStart(name, '_created') : undefined,
    read: (id, into) => {
      store.buckets.read(id * width, own);
      let count = 0;
      for (let bucket = 0; bucket < width; bucket++) {
        count += own[bucket] as number;
        into[bucket] = count;
      }
      into[width] = store.durationSumNs[id] as number;
      into[width + 1] = count;
    },
  };
}

const CLOSE = Buffer.from('} ');
