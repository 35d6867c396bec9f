import type { Cell } from './cells.ts';

/**
 * Samples are Poisson with mean rate x exposure, exposure being the integral of the gate over time: so in the square
 * root of the rate the deviation is 1 / (2 sqrt(exposure)) whatever the rate is, and this is where windows are compared.
 */
const ANSCOMBE = 3 / 8;
/** Deviations beyond which newer data contradict older: upwards, and downwards, where small counts have longer tails. */
const ROSE = 3.5;
const FELL = 5;
/** A slope is believed from so many deviations on, and shrunk by what is below `NOISE`. */
const BELIEVED = 3;
const NOISE = 2;
/** Per second; e-fold in 7 minutes. What is steeper is a step. */
const STEEPEST = 1 / 400;
const TREND_OVER_S = [160, 320, 640, 1280];
const TREND_SAMPLES = 60;
/** A trend that is off by more deviations than this in its newest part is no trend: where it leads matters, not where it was. */
const STRAYS = 2;

/** What an estimate is asked of; one object for all operations. */
export interface RateQuestion {
  cells: readonly Cell[];
  slot: number;
  /** >= 1: divides what samples count for. */
  dispersion: number;
  /** How long after the newest cell the rate is wanted for. */
  aheadS: number;
  /** The window is looked at again when it has grown by this factor: 1 = with every cell. What is between is found by the cut. */
  looks: number;
}

/** The outcome of an estimate; one object for all operations. */
export interface RateEstimate {
  samples: number;
  exposure: number;
  overS: number;
  /** Requests per second at the moment that was asked for; 0 without samples. */
  rate: number;
}

export function noEstimate(): RateEstimate {
  return { samples: 0, exposure: 0, overS: 0, rate: 0 };
}

/**
 * The rate from as much of the past as agrees with what came after it: the window grows backwards from now until its
 * estimate leaves an interval of a smaller one. A steady drift inside is believed where it is significant, and
 * followed to `aheadS` seconds after the newest cell.
 */
export function estimateRate(question: RateQuestion, into: RateEstimate): void {
  const { cells, slot, dispersion, aheadS, looks } = question;
  let samples = 0;
  let exposure = 0;
  let ageS = 0;
  let [ages, agesSquared, agesOfSamples] = [0, 0, 0];
  let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [n, e, overS] = [0, 0, 0];
  let [a1, a2, s1] = [0, 0, 0];
  let changedAt = -1;
  let steepest = 0;
  let nextLook = 0;
  for (let at = 0; at < cells.length; at++) {
    const cell = cells[at] as Cell;
    const c = cell.samples[slot] as number;
    const q = cell.exposure[slot] as number;
    const middleS = ageS + cell.lengthS / 2;
    ageS += cell.lengthS;
    if (q <= 0) continue;
    samples += c;
    exposure += q;
    ages += q * middleS;
    agesSquared += q * middleS * middleS;
    agesOfSamples += c * middleS;
    if (exposure < nextLook) continue;
    nextLook = exposure * looks;
    const root = Math.sqrt((samples / dispersion + ANSCOMBE) / (exposure / dispersion));
    if (root < low || root > high) {
      changedAt = at;
      break;
    }
    const width = Math.sqrt(dispersion / exposure) / 2;
    low = Math.max(low, root - ROSE * width);
    high = Math.min(high, root + FELL * width);
    [n, e, overS] = [samples, exposure, ageS];
    [a1, a2, s1] = [ages, agesSquared, agesOfSamples];
    if (ageS >= (TREND_OVER_S[0] as number)) {
      const spread = a2 - (a1 * a1) / e;
      const tilt = (s1 - (n * a1) / e) / Math.sqrt(Math.max(1e-9, (n / e) * spread * dispersion));
      if (Math.abs(tilt) > steepest) steepest = Math.abs(tilt);
    }
  }
  into.samples = n;
  into.exposure = e;
  into.overS = overS;
  if (changedAt > 0) cutAtChange(cells, slot, changedAt, dispersion, into);
  into.rate = into.exposure > 0 ? into.samples / into.exposure : 0;
  if (n / dispersion < TREND_SAMPLES / 4) return;
  if (changedAt > 0 || steepest > BELIEVED) followTrend(cells, slot, dispersion, aheadS, into);
}

/** The window reached beyond a change before that was plain: ends it where newer and older differ most. */
function cutAtChange(
  cells: readonly Cell[],
  slot: number,
  changedAt: number,
  dispersion: number,
  into: RateEstimate,
): void {
  let [allSamples, allExposure] = [0, 0];
  for (let at = 0; at <= changedAt; at++) {
    allSamples += cells[at]?.samples[slot] as number;
    allExposure += cells[at]?.exposure[slot] as number;
  }
  let [samples, exposure, ageS, most] = [0, 0, 0, 0];
  for (let at = 0; at < changedAt; at++) {
    const cell = cells[at] as Cell;
    samples += cell.samples[slot] as number;
    exposure += cell.exposure[slot] as number;
    ageS += cell.lengthS;
    const older = allExposure - exposure;
    if (exposure <= 0 || older <= 0) continue;
    const newerRoot = Math.sqrt((samples + ANSCOMBE * dispersion) / exposure);
    const olderRoot = Math.sqrt((allSamples - samples + ANSCOMBE * dispersion) / older);
    const difference = Math.abs(newerRoot - olderRoot) / Math.sqrt(1 / exposure + 1 / older);
    if (difference <= most) continue;
    most = difference;
    into.samples = samples;
    into.exposure = exposure;
    into.overS = ageS;
  }
}

/** Takes the longest window over which one exponential fits, if it drifts significantly. */
function followTrend(
  cells: readonly Cell[],
  slot: number,
  dispersion: number,
  aheadS: number,
  into: RateEstimate,
): void {
  let [samples, exposure, ages, agesSquared, agesOfSamples, ageS, next] = [0, 0, 0, 0, 0, 0, 0];
  for (let at = 0; at < cells.length && next < TREND_OVER_S.length; at++) {
    const cell = cells[at] as Cell;
    const c = cell.samples[slot] as number;
    const q = cell.exposure[slot] as number;
    const middleS = ageS + cell.lengthS / 2;
    ageS += cell.lengthS;
    samples += c;
    exposure += q;
    ages += q * middleS;
    agesSquared += q * middleS * middleS;
    agesOfSamples += c * middleS;
    if (ageS < (TREND_OVER_S[next] as number)) continue;
    while (ageS >= (TREND_OVER_S[next] ?? Number.POSITIVE_INFINITY)) next++;
    const n = samples / dispersion;
    if (n < TREND_SAMPLES) continue;
    const mean = ages / exposure;
    const information = n * (agesSquared / exposure - mean * mean);
    const growth = (mean - agesOfSamples / samples) / (agesSquared / exposure - mean * mean);
    const deviations = Math.abs(growth) * Math.sqrt(information);
    if (deviations < BELIEVED || Math.abs(growth) > STEEPEST) continue;
    const believed = growth * (1 - (NOISE / deviations) ** 2);
    const now = levelNow(cells, at, slot, believed);
    if (!fits(cells, at, slot, now, believed, dispersion)) continue;
    into.samples = samples;
    into.exposure = exposure;
    into.overS = ageS;
    into.rate = now * Math.exp(believed * aheadS);
  }
}

/** The rate at the end of the newest cell, given its growth and the samples of the cells up to `last`. */
function levelNow(cells: readonly Cell[], last: number, slot: number, growth: number): number {
  let [samples, expected, ageS] = [0, 0, 0];
  for (let at = 0; at <= last; at++) {
    const cell = cells[at] as Cell;
    samples += cell.samples[slot] as number;
    expected += (cell.exposure[slot] as number) * Math.exp(-growth * (ageS + cell.lengthS / 2));
    ageS += cell.lengthS;
  }
  return samples / expected;
}

/** Whether the newest cells, however many are taken together, have what the exponential says. */
function fits(
  cells: readonly Cell[],
  last: number,
  slot: number,
  now: number,
  growth: number,
  dispersion: number,
): boolean {
  let [samples, expected, ageS] = [0, 0, 0];
  for (let at = 0; at <= last; at++) {
    const cell = cells[at] as Cell;
    samples += cell.samples[slot] as number;
    expected += (cell.exposure[slot] as number) * Math.exp(-growth * (ageS + cell.lengthS / 2)) * now;
    ageS += cell.lengthS;
    const difference =
      Math.sqrt(samples / dispersion + ANSCOMBE) - Math.sqrt(expected / dispersion + ANSCOMBE);
    if (Math.abs(difference) > STRAYS / 2) return false;
  }
  return true;
}

/** The bounds of the rate `deviations` away, from `samples` over `exposure`; samples = 0 leaves the lower one at 0. */
export function rateAbove(samples: number, exposure: number, deviations: number): number {
  return (Math.sqrt(samples + ANSCOMBE) + deviations / 2) ** 2 / exposure;
}

export function rateBelow(samples: number, exposure: number, deviations: number): number {
  return Math.max(0, Math.sqrt(samples + ANSCOMBE) - deviations / 2) ** 2 / exposure;
}
