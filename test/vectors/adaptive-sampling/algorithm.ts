import { expect } from 'vitest';
import { initialBuckets } from '../../../src/sampling/jaeger/initial-buckets.ts';
import {
  EMPTY_STATE,
  floatEquals,
  isUsingAdaptiveSampling,
  percentageIncreaseCapped,
  recompute,
  SERVICE_CACHE_SIZE,
  type Step,
} from '../../../src/sampling/jaeger/recompute.ts';
import { keepNewest, mergeThroughput, qpsLists, qpsOf } from '../../../src/sampling/jaeger/throughput.ts';
import { weightedQps, weightVector } from '../../../src/sampling/jaeger/weights.ts';
import { jittered } from '../../../src/sampling/jitter.ts';
import { sixDecimals } from '../../../src/sampling/roots/six-decimals.ts';
import { eachCase, type Json, type Runner } from './section.ts';
import { bucketOf, byOperation, byOperationOf, options, plain, roundsBefore, rowsOf } from './states.ts';

/** The reference test's own step: no cap. */
const uncapped: Step = (target, qps, previous) => previous * (target / qps);

function stepOf(section: Json): Step {
  return String(section.calculator ?? '').startsWith('uncapped') ? uncapped : percentageIncreaseCapped(1);
}

function expectNumber(actual: number | undefined, each: Json): void {
  if (each.expected_exact !== undefined) expect(actual).toBe(each.expected_exact);
  else if (each.delta !== undefined) {
    expect(Math.abs((actual as number) - each.expected)).toBeLessThanOrEqual(each.delta);
  } else expect(actual).toBe(each.expected);
}

function expectQpsLists(each: Json): void {
  const lists = qpsLists(each.buckets_newest_first.map(bucketOf), each.calculation_buckets);
  // Some cases name only some of the services.
  expect(plain(lists, (list) => list)).toMatchObject(each.expected);
}

/** The operation's rate stands in the newest bucket where that knows the operation, else in the one before. */
function calculateProbability(each: Json, section: Json): void {
  const { service, operation, qps } = each;
  const latest = byOperation(section.latest_bucket_probabilities, (seen: string[]) => ({
    count: qps,
    probabilities: new Set(seen),
  }));
  const other = { intervalMs: 1000, endMs: 0, throughput: mergeThroughput([]) };
  const older = {
    ...other,
    throughput: mergeThroughput([{ windowS: 0, service, operation, count: qps, probabilities: [] }]),
  };
  const isInLatest = latest.get(service)?.has(operation) === true;
  const buckets = [{ ...other, throughput: latest }, isInLatest ? other : older];
  const state = {
    buckets,
    probabilities: byOperation<number>(section.current_probabilities, Number),
    serviceCache: roundsBefore(section.service_cache),
  };
  const { decisions } = recompute(state, options(section.options), stepOf(section));
  const decision = decisions.find((one) => one.service === service && one.operation === operation);
  expectNumber(decision?.probability, { ...each, delta: section.delta });
}

function calculateAll(each: Json): void {
  const state = {
    buckets: each.buckets_newest_first.map(bucketOf),
    probabilities: byOperation<number>(each.previous_probabilities, Number),
    serviceCache: roundsBefore(each.service_cache ?? []),
  };
  const { decisions } = recompute(state, options(each.options), stepOf(each));
  expect(byOperationOf(decisions, 'probability')).toEqual(each.expected_probabilities);
  expect(byOperationOf(decisions, 'qps')).toEqual(each.expected_qps);
  if (each.operations_calculated_gauge !== undefined) {
    expect(decisions).toHaveLength(each.operations_calculated_gauge);
  }
}

/** Rounds over one state: each puts one bucket before the others, or says what all buckets are. */
function calculateRounds(each: Json): void {
  const settings = options(each.options);
  let state = {
    ...EMPTY_STATE,
    buckets: (each.buckets_newest_first ?? []).map(bucketOf),
    probabilities: byOperation<number>(each.previous_probabilities, Number),
  };
  const rounds = (each.rounds ?? each.steps) as Json[];
  expect(rounds.length).toBeGreaterThan(0);
  for (const round of rounds) {
    const added = round.prepend_bucket ?? round.new_bucket ?? round.bucket ?? round.prepend;
    if (round.buckets_newest_first !== undefined) {
      state = { ...state, buckets: round.buckets_newest_first.map(bucketOf) };
    } else if (added !== undefined) {
      state = {
        ...state,
        buckets: keepNewest(state.buckets, bucketOf(added), each.aggregation_buckets ?? 1000),
      };
    }
    const { state: next, decisions } = recompute(state, settings, stepOf(each));
    const expected = round.expected_probabilities ?? round.probabilities;
    expect(expected).toBeDefined();
    expect(byOperationOf(decisions, 'probability')).toEqual(expected);
    const qps = round.expected_qps ?? round.qps;
    if (qps !== undefined) expect(byOperationOf(decisions, 'qps')).toEqual(qps);
    state = {
      ...next,
      buckets: state.buckets,
      probabilities: next.probabilities as typeof state.probabilities,
    };
  }
}

async function initializeThroughput(each: Json, all: Json): Promise<void> {
  const reads: [number, number][] = [];
  const read = (startMs: number, endMs: number) => {
    reads.push([startMs, endMs]);
    const wanted = each.store_reads.find(
      ({ start_min, end_min }: Json) => start_min * 60_000 === startMs && end_min * 60_000 === endMs,
    );
    if (wanted === undefined) throw new Error(`an unforeseen read of ${startMs} to ${endMs}`);
    if (wanted.error !== undefined) return Promise.reject(new Error(wanted.error));
    const rows =
      wanted.returns === 'aggregate_throughput.input' ? all.aggregate_throughput.input : wanted.returns;
    return Promise.resolve(rowsOf(rows));
  };
  const intervalMs = each.calculation_interval_s * 1000;
  const begun = initialBuckets(read, each.end_time_min * 60_000, intervalMs, each.aggregation_buckets);
  const buckets = await begun.catch((error: Error) => {
    // A store that fails is tried again as a whole: nothing is begun with.
    expect(each.store_reads.some((one: Json) => one.error === error.message)).toBe(true);
    return [];
  });
  expect(reads).toHaveLength(each.store_reads.length);
  expect(
    buckets.map((bucket) => ({
      interval_s: bucket.intervalMs / 1000,
      end_time_min: bucket.endMs / 60_000,
      n_services: bucket.throughput.size,
    })),
  ).toEqual(each.expected_buckets);
}

function aggregate(each: Json): void {
  const rows = rowsOf(each.input);
  const before = structuredClone(rows);
  const merged = plain(mergeThroughput(rows), ({ count, probabilities }) => ({
    count,
    probabilities: [...probabilities].sort(),
  }));
  expect(merged).toEqual(each.expected);
  if (each.input_must_not_be_mutated === true) expect(rows).toEqual(before);
}

function isUsing(each: Json, section: Json): void {
  const bucket = bucketOf({
    throughput: Object.fromEntries(
      Object.entries(section.latest_bucket as Record<string, Record<string, string[]>>).map(
        ([service, ops]) => [
          service,
          Object.fromEntries(
            Object.entries(ops).map(([operation, probabilities]) => [operation, { count: 0, probabilities }]),
          ),
        ],
      ),
    ),
  });
  const state = { buckets: [bucket], serviceCache: roundsBefore(section.service_cache) };
  const { initial_probability: initial } = section;
  const { probability, service, operation } = each;
  expect(isUsingAdaptiveSampling(state, initial, probability, service, operation)).toBe(each.expected);
}

function jitter(each: Json): void {
  for (const random of [0, 0.25, 0.5, 0.999999]) {
    const result = jittered(each.d_ns, () => random);
    if (each.exact_ns !== undefined) expect(result).toBe(each.exact_ns);
    else {
      expect(each.range).toBe('[d/2, d)');
      expect(result).toBeGreaterThanOrEqual(each.d_ns / 2);
      expect(result).toBeLessThan(each.d_ns);
    }
  }
}

export function algorithmSections(all: Json): Readonly<Record<string, Runner>> {
  return {
    truncate_float: eachCase((each) => expect(sixDecimals(each.in)).toBe(each.out)),
    js_toFixed_differs: eachCase((each) => {
      expect(sixDecimals(each.in)).toBe(each.go);
      expect(each.in.toFixed(6)).toBe(each.js);
    }),
    float_equals: eachCase(({ a, b, equal }) => expect(floatEquals(a, b)).toBe(equal)),
    weight_vector: eachCase((each) => {
      const weights = weightVector(each.length);
      if (each.weights === undefined) expectNumber(weights[each.index], each);
      else expect(weights).toEqual(each.weights);
    }),
    calculate_qps: eachCase((each) => expectNumber(qpsOf(each.count, each.interval_s * 1000), each)),
    weighted_qps: eachCase((each) => expectNumber(weightedQps(each.qps), each)),
    percentage_increase_capped: eachCase((each) =>
      expectNumber(percentageIncreaseCapped(each.cap)(each.target, each.cur, each.prev), each),
    ),
    aggregate_throughput: eachCase(aggregate),
    initialize_throughput: eachCase((each) => initializeThroughput(each, all)),
    throughput_to_qps: eachCase(expectQpsLists),
    calculate_probability: eachCase(calculateProbability),
    calculate_probabilities_and_qps: eachCase(calculateAll),
    calculate_probabilities_multi_round: eachCase(calculateRounds),
    is_using_adaptive_sampling: eachCase(isUsing),
    bucket_ring: eachCase((each) => {
      let ring: readonly number[] = [];
      each.prepend_intervals_s.forEach((interval: number, i: number) => {
        ring = keepNewest(ring, interval, each.aggregation_buckets);
        expect(ring).toEqual(each.expected_after_each[i]);
      });
    }),
    service_cache: eachCase((each) => {
      let state = EMPTY_STATE;
      for (let i = 0; i < each.prepends; i++) {
        state = recompute(state, options({ tolerance: 0.3, initial: 0.001, min: 1e-5 })).state;
      }
      expect(state.serviceCache).toHaveLength(each.expected_len);
      expect(SERVICE_CACHE_SIZE).toBe(each.expected_len);
    }),
    jitter: eachCase(jitter),
  };
}
