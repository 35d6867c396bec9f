import { SLICE_S } from '../../src/sampling/simulator/series.ts';
import { load, type Run, runOf, sumOf, windowMeans } from './runs.ts';
import { percent, type Targets, times, whole } from './verdicts.ts';

const MINUTE = 60 / SLICE_S;
/** From here on the total is held. */
const SETTLED = 10 * MINUTE;
/** A trace a minute. */
const FLOOR = 1 / 60;

/** One budget over 5,000 operations: the total of any 5 minutes, and the floor of every operation. */
export function benchBudget(seed: number, targets: Targets): void {
  const read = load('budget.yaml');
  const budget = read.controller.budget?.traces_per_second ?? Number.NaN;
  for (const [sdk, lowerBound] of [
    ['java', false],
    ['go', true],
  ] as const) {
    const run = runOf(read, { seed, fleet: { sdk, lowerBound } });
    const name = `5,000 operations, ${lowerBound ? 'Go with lower bound' : 'Java, no lower bound'}`;
    console.log(`\n${name}: a budget of ${budget} traces/s, seed ${seed}`);
    const total = totalOf(run);
    const fives = windowMeans(total.subarray(SETTLED), 5 * MINUTE);
    const worst = Math.max(...fives.map((mean) => Math.abs(mean / budget - 1)));
    targets.atMost(`${name}: total off its budget in any 5 minutes`, worst, 0.05, percent);
    const { missed, lowest } = floorsOf(run);
    console.log(`  the least that an operation got of its floor over 30 minutes: ${percent(lowest)}`);
    targets.atMost(`${name}: operations below their floor by more than chance explains`, missed, 0, whole);
  }
}

function totalOf({ series }: Run): Float64Array {
  return sumOf(series.flatMap(({ sampled, lowerBound }) => [sampled, lowerBound]));
}

/**
 * The floor is a mean over 30 minutes: 30 traces, or all requests. What was counted may be less by four standard
 * deviations of such a number; what was to be expected may not.
 */
function floorsOf({ series }: Run): { readonly missed: number; readonly lowest: number } {
  const seconds = 30 * 60;
  const length = seconds / SLICE_S;
  let missed = 0;
  let lowest = Number.POSITIVE_INFINITY;
  for (const { rate, sampled, lowerBound } of series) {
    const mean = (values: Float64Array): number =>
      windowMeans(values.subarray(SETTLED), length)[0] ?? Number.NaN;
    const floor = Math.min(mean(rate), FLOOR);
    if (!(floor > 0)) continue;
    const got = mean(sampled) + mean(lowerBound);
    lowest = Math.min(lowest, got / floor);
    if (got * seconds < floor * seconds - 4 * Math.sqrt(floor * seconds)) missed += 1;
  }
  return { missed, lowest };
}

/** A tenth of 1,000 operations new every 10 minutes. */
export function benchChurn(seed: number, targets: Targets): void {
  const read = load('churn.yaml');
  const budget = read.controller.budget?.traces_per_second ?? Number.NaN;
  console.log(
    `\n1,000 operations, a tenth of them new every 10 minutes, a budget of ${budget} traces/s, seed ${seed}`,
  );
  const run = runOf(read, { seed });
  const minutes = windowMeans(totalOf(run).subarray(SETTLED), MINUTE);
  targets.atMost(
    'churn: the 60-s mean of the total over its budget',
    Math.max(...minutes) / budget,
    1.5,
    times,
  );
  const longest = Math.max(...run.series.map((_, i) => floodS(run, i)));
  targets.atMost(
    'churn: seconds in which a new operation has more than 5 times its share',
    longest,
    60,
    whole,
  );
}

/**
 * For how many seconds a new operation is sampled at more than five times what it is to get, beyond what chance
 * explains (4 standard deviations of a count, and one): a share of a trace in ten seconds is exceeded by any trace.
 */
function floodS({ series, scenario }: Run, i: number): number {
  const one = series[i];
  const born = scenario.operations[i]?.rate[0]?.atS ?? 0;
  if (one === undefined || born === 0 || !(one.target > 0)) return 0;
  let slices = 0;
  for (let k = Math.floor(born / SLICE_S); k < one.rate.length; k++) {
    const excess = (one.sampled[k] as number) * SLICE_S - 5 * one.target * SLICE_S;
    if (excess > 4 * Math.sqrt(5 * one.target * SLICE_S) + 1) slices += 1;
  }
  return slices * SLICE_S;
}
