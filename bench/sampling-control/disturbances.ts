import { SLICE_S } from '../../src/sampling/simulator/series.ts';
import { median } from '../support/figures.ts';
import { load, measuresOf, type Run, runOf, sumOf, windowMeans } from './runs.ts';
import { minutes, percent, printTable, type Targets } from './verdicts.ts';

const FIVE_MIN = 300 / SLICE_S;

/** Ten times the traffic and back in two hours, in both algorithms. */
export function benchDiurnal(seeds: readonly number[], targets: Targets): void {
  const read = load('diurnal.yaml');
  const rms = { jaeger: [] as number[], adaptive: [] as number[] };
  for (const seed of seeds) {
    rms.adaptive.push(waveRms(runOf(read, { seed })));
    rms.jaeger.push(waveRms(runOf(read, { seed, algorithm: 'jaeger', fleet: { tags: 'jaeger' } })));
  }
  console.log(`\nDiurnal swing of 10x over 2 h, medians of ${seeds.length} seeds`);
  printTable([
    ['', 'algorithm: jaeger, tags', 'default, no tags'],
    ['RMS error of 5-minute means', percent(median(rms.jaeger)), percent(median(rms.adaptive))],
  ]);
  targets.atMost('diurnal: RMS error', median(rms.adaptive), 0.15, percent);
}

/** Of 5-minute means against the target, from the second hour on: whole waves. */
function waveRms({ series }: Run): number {
  const [one] = series;
  if (one === undefined) return Number.NaN;
  let squares = 0;
  let means = 0;
  const all = windowMeans(one.sampled, FIVE_MIN);
  for (let i = 3600 / SLICE_S; i < all.length; i += FIVE_MIN) {
    squares += ((all[i] as number) / one.target - 1) ** 2;
    means += 1;
  }
  return Math.sqrt(squares / means);
}

const ENOUGH_SAMPLES = 600;

/** Five minutes in which nothing reaches the controller, and its catch-up, beside the same run without. */
export function benchLag(seeds: readonly number[], targets: Targets): void {
  const read = load('lag.yaml');
  const lag = read.scenario.events.find((event) => event.do === 'lag');
  if (lag === undefined) throw new Error('lag.yaml has no lag');
  const worst = { during: 0, after: 0 };
  let compared = 0;
  for (const seed of seeds) {
    const run = runOf(read, { seed });
    const twin = runOf(read, { seed, events: [] });
    for (const [i, { sampled, target }] of run.series.entries()) {
      if (target * lag.forS < ENOUGH_SAMPLES) continue;
      compared += 1;
      const other = twin.series[i]?.sampled ?? sampled;
      const during = (values: Float64Array): number => sumBetween(values, lag.atS, lag.atS + lag.forS);
      const after = (values: Float64Array): number =>
        sumBetween(values, lag.atS + lag.forS, lag.atS + 2 * lag.forS);
      worst.during = Math.max(worst.during, Math.abs(during(sampled) / during(other) - 1));
      worst.after = Math.max(worst.after, Math.abs(after(sampled) / after(other) - 1));
    }
  }
  console.log(
    `\nLag of 5 minutes and its catch-up: ${compared} operations with at least ${ENOUGH_SAMPLES} samples expected ` +
      `in it, beside the same run without (${seeds.length} seeds)`,
  );
  targets.atMost('lag: the largest difference from the twin in those 5 minutes', worst.during, 0.1, percent);
  targets.atMost('lag: the same in the 5 minutes of the catch-up', worst.after, 0.1, percent);
}

function sumBetween(values: Float64Array, fromS: number, untilS: number): number {
  return values.subarray(fromS / SLICE_S, untilS / SLICE_S).reduce((sum, value) => sum + value, 0);
}

/** Half of the clocks ahead, half behind; then a step. What is wanted is what is wanted without. */
export function benchSkew(seeds: readonly number[], targets: Targets): void {
  const read = load('skew.yaml');
  const runs = seeds.map((seed) => measuresOf(runOf(read, { seed }), 3600));
  console.log(`\nClocks 5 s ahead and 5 s behind, a step x10, medians of ${seeds.length} seeds`);
  targets.atMost(
    'skew: settling after the step',
    median(runs.map(({ settlingS }) => settlingS)),
    240,
    minutes,
  );
  targets.atMost('skew: steady RMS', median(runs.map(({ steadyRms }) => steadyRms)), 0.07, percent);
}

const ENOUGH_ROOTS = 200;
/** When the controller has found its probability. */
const STEADY_S = 1800;

/**
 * A tenth of the instances samples everything, from the start and in the midst of steady traffic: the service is to
 * be named within 200 sampled roots. And without them nobody is to be named.
 */
export function benchConformance(seeds: readonly number[], targets: Targets): void {
  const read = load('nonconforming.yaml');
  const operationsAt = (perSecond: number) =>
    read.scenario.operations.map((one) => ({ ...one, rate: [{ atS: 0, perSecond }] }));
  console.log(`\nConformance, ${seeds.length} seeds each`);
  for (const { perSecond, fromS } of NONCONFORMING) {
    const change = {
      operations: operationsAt(perSecond),
      durationS: fromS + 900,
      events: [{ do: 'nonconforming', atS: fromS, instances: 2 } as const],
    };
    const named = seeds.filter(
      (seed) => rootsUntilNamed(runOf(read, { ...change, seed }), fromS) <= ENOUGH_ROOTS,
    );
    const when = fromS === 0 ? 'from the start' : 'after half an hour';
    const what = `${perSecond} requests/s (p = ${(1 / perSecond).toPrecision(2)}), ${when}`;
    const share = named.length / seeds.length;
    targets.atLeast(`conformance: named within ${ENOUGH_ROOTS} roots, ${what}`, share, 0.99, percent);
  }
  for (const { sdk, lowerBound } of CONFORMING) {
    for (const perSecond of CONFORMING_RATES) {
      const change = { operations: operationsAt(perSecond), events: [], fleet: { sdk, lowerBound } };
      const wrong = seeds.filter((seed) => rootsUntilNamed(runOf(read, { ...change, seed }), 0) < Infinity);
      const what = `${sdk}${lowerBound ? ' with lower bound' : ''}, ${perSecond} requests/s`;
      targets.atMost(`conformance: runs in which somebody is named wrongly, ${what}`, wrong.length, 0);
    }
  }
}

/** A cold start goes beyond 0.5 before it knows so little traffic: there it begins later. */
const NONCONFORMING = [
  { perSecond: 2.5, fromS: STEADY_S },
  { perSecond: 10, fromS: STEADY_S },
  { perSecond: 10, fromS: 0 },
  { perSecond: 100, fromS: 0 },
] as const;
const CONFORMING_RATES = [2.5, 10, 100] as const;
const CONFORMING = [
  { sdk: 'go', lowerBound: true },
  { sdk: 'java', lowerBound: false },
  { sdk: 'js', lowerBound: false },
] as const;

/** Roots, sampled from `fromS` on, that the controller had seen when it named the service; Infinity = it never did. */
function rootsUntilNamed({ notes, series }: Run, fromS: number): number {
  const named = notes.verdicts.find(
    ({ conformance, timeS }) => timeS >= fromS && conformance !== 'follows' && conformance !== 'unknown',
  );
  if (named === undefined) return Number.POSITIVE_INFINITY;
  const all = sumOf(series.flatMap(({ sampled, lowerBound }) => [sampled, lowerBound]));
  return Math.round(named.roots - sumBetween(all, 0, fromS) * SLICE_S);
}
