import { type OperationSeries, SLICE_S } from './series.ts';

/** How well an operation was held at its target, from a moment on. */
export interface Measures {
  /** From which on it is measured, seconds. */
  readonly fromS: number;
  /** Sampled traces per second that were wanted; NaN = nobody said, and then all else is NaN too. */
  readonly target: number;
  /**
   * Seconds from `fromS` until the first moment from which on the centred 3-minute mean stays within 30 % of the
   * target for 10 minutes; Infinity = never.
   */
  readonly settlingS: number;
  /** The largest 60-second mean over the target. */
  readonly peak: number;
  /** Traces above 1.3 times the target, of the 60-second mean, summed up. */
  readonly excess: number;
  /** Traces below 0.7 times the target. */
  readonly deficit: number;
  /** Root of the mean square of the relative error of 5-minute means over the last hour, 0.07 = 7 %. */
  readonly steadyRms: number;
}

const TOLERANCE = 0.3;
const MINUTE = 60 / SLICE_S;
const SETTLED = 10 * MINUTE;
const STEADY = 60 * MINUTE;

/**
 * Measures only what the probability kept. The target is the wanted one, or what there was of requests where that is
 * less; where nothing was wanted because there was nothing, nothing is wrong.
 */
export function measure(series: OperationSeries, fromS: number): Measures {
  const { sampled, rate } = series;
  const from = Math.round(fromS / SLICE_S);
  const wanted = rate.map((perSecond) => Math.min(series.target, perSecond));
  const target = Math.min(series.target, Math.max(0, ...rate.subarray(from)));
  const minutes = windowMeans(sampled, MINUTE, from);
  const minutesWanted = windowMeans(wanted, MINUTE, from);
  let peak = 0;
  let excess = 0;
  let deficit = 0;
  for (let i = 0; i < minutes.length; i++) {
    const mean = minutes[i] as number;
    const want = minutesWanted[i] as number;
    peak = Math.max(peak, mean / target);
    excess += Math.max(0, mean - (1 + TOLERANCE) * want) * SLICE_S;
    deficit += Math.max(0, (1 - TOLERANCE) * want - mean) * SLICE_S;
  }
  if (!(target > 0)) [peak, excess, deficit] = [Number.NaN, Number.NaN, Number.NaN];
  return {
    fromS: from * SLICE_S,
    target,
    settlingS: target > 0 ? settling(sampled, wanted, from) : Number.NaN,
    peak,
    excess,
    deficit,
    steadyRms: target > 0 ? steadyRms(sampled, wanted) : Number.NaN,
  };
}

/**
 * From when on it makes sense to measure an operation: the first step of its rate, after the start, to something
 * that is not 0, or the first event, whichever comes first; 0 when there is neither.
 */
export function measuredFromS(
  rate: readonly { readonly atS: number; readonly perSecond: number }[],
  events: readonly { readonly atS: number }[],
): number {
  const steps = rate.slice(1).filter(({ atS, perSecond }) => atS > 0 && perSecond > 0);
  const times = [...steps, ...events].map(({ atS }) => atS);
  return times.length === 0 ? 0 : Math.min(...times);
}

/** Mean of every `length` values that lie whole in [from, end), by where they begin. */
function windowMeans(values: Float64Array, length: number, from: number): Float64Array {
  const means = new Float64Array(Math.max(0, values.length - from - length + 1));
  let sum = 0;
  for (let i = from; i < values.length; i++) {
    sum += values[i] as number;
    if (i - from >= length) sum -= values[i - length] as number;
    if (i - from >= length - 1) means[i - from - length + 1] = sum / length;
  }
  return means;
}

function settling(sampled: Float64Array, wanted: Float64Array, from: number): number {
  let since = -1;
  for (let i = from; i < sampled.length; i++) {
    const mean = centredMean(sampled, i);
    const want = centredMean(wanted, i);
    const isWithin = Math.abs(mean - want) <= TOLERANCE * want + 1e-12;
    if (!isWithin) since = -1;
    else if (since < 0) since = i;
    if (since >= 0 && i - since >= SETTLED) return (since - from) * SLICE_S;
  }
  return Number.POSITIVE_INFINITY;
}

/** Over the 3 minutes around the beginning of slice `i`, as far as there are any. */
function centredMean(values: Float64Array, i: number): number {
  const half = 1.5 * MINUTE;
  const from = Math.max(0, i - half);
  const to = Math.min(values.length, i + half);
  let sum = 0;
  for (let k = from; k < to; k++) sum += values[k] as number;
  return sum / (to - from);
}

function steadyRms(sampled: Float64Array, wanted: Float64Array): number {
  const length = 5 * MINUTE;
  let squares = 0;
  let means = 0;
  const first = Math.max(0, sampled.length - STEADY);
  for (let end = sampled.length; end - length >= first; end -= length) {
    let got = 0;
    let want = 0;
    for (let i = end - length; i < end; i++) {
      got += sampled[i] as number;
      want += wanted[i] as number;
    }
    if (want <= 0) continue;
    squares += (got / want - 1) ** 2;
    means += 1;
  }
  return means === 0 ? Number.NaN : Math.sqrt(squares / means);
}
