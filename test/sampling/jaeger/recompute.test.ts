import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_ADAPTIVE_OPTIONS } from '../../../src/sampling/jaeger/options.ts';
import { REASONS } from '../../../src/sampling/jaeger/reasons.ts';
import { type AdaptiveState, EMPTY_STATE, recompute } from '../../../src/sampling/jaeger/recompute.ts';
import { type Bucket, keepNewest } from '../../../src/sampling/jaeger/throughput.ts';

const OPTIONS = DEFAULT_ADAPTIVE_OPTIONS;

/** One minute in which operation `op` of `svc` had `count` samples with these probabilities. */
function minute(count: number, ...probabilities: string[]): Bucket {
  const seen = { count, probabilities: new Set(probabilities) };
  return { intervalMs: 60_000, endMs: 0, throughput: new Map([['svc', new Map([['op', seen]])]]) };
}

const SILENCE: Bucket = { intervalMs: 60_000, endMs: 0, throughput: new Map() };

function at(probability: number, ...buckets: Bucket[]): AdaptiveState {
  return { ...EMPTY_STATE, buckets, probabilities: new Map([['svc', new Map([['op', probability]])]]) };
}

function decide(state: AdaptiveState, options = OPTIONS) {
  const { decisions } = recompute(state, options);
  expect(decisions).toHaveLength(1);
  const [decision] = decisions;
  return decision as NonNullable<typeof decision>;
}

describe('each reason', () => {
  test.each([
    ['within_tolerance', at(0.5, minute(70, '0.500000')), 0.5],
    ['not_using', at(0.5, minute(600, '0.250000')), 0.5],
    ['raised', at(0.5, minute(40, '0.500000')), 0.75],
    ['raised_capped', at(0.25, minute(6, '0.250000')), 0.5],
    ['lowered', at(0.5, minute(600, '0.500000')), 0.05],
    ['no_traffic_doubled', at(0.25, minute(0, '0.250000')), 0.5],
    ['floor', at(2e-5, minute(6000, '0.000020')), 1e-5],
    ['ceiling', at(0.9, minute(30, '0.900000')), 1],
  ] as const)('%s is given where it holds', (reason, state, probability) => {
    expect(decide(state)).toMatchObject({ reason, probability });
  });
});

test('a decision holds what led to it', () => {
  const state = at(0.5, minute(600, '0.500000', '0.250000'), minute(60));
  expect(decide(state, { ...OPTIONS, calculationBuckets: 2 })).toEqual({
    service: 'svc',
    operation: 'op',
    probability: 0.5 * (1 / (10 * (16 / 17) + 1 * (1 / 17))),
    previous: 0.5,
    qps: 10 * (16 / 17) + 1 * (1 / 17),
    target: 1,
    reason: 'lowered',
    inputs: { qps: [10, 1], seen: ['0.250000', '0.500000'], using: true, tolerance: 0.3 },
  });
});

test('an operation that is new starts from the initial probability', () => {
  const state = { ...EMPTY_STATE, buckets: [minute(600, '0.001000')] };
  expect(decide(state)).toMatchObject({ previous: 0.001, probability: 0.0001 });
});

test('a target of 0 goes to the floor', () => {
  const options = { ...OPTIONS, targetSamplesPerSecond: 0 };
  expect(decide(at(0.5, minute(600, '0.500000')), options)).toMatchObject({
    probability: 1e-5,
    reason: 'floor',
  });
});

test('an operation that falls silent doubles every minute while it was taken to sample, then is forgotten', () => {
  let state: AdaptiveState = at(0.004, minute(12, '0.004000'));
  const seen: number[] = [];
  for (let round = 0; round < 11; round++) {
    const result = recompute(state, OPTIONS);
    seen.push(result.decisions[0]?.probability ?? -1);
    state = {
      ...result.state,
      buckets: keepNewest(result.state.buckets, SILENCE, OPTIONS.aggregationBuckets),
    };
  }
  expect(seen).toEqual([0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 1, 1, -1]);
});

test('an operation that only lower bounds are seen of doubles as long as its probability is seen', () => {
  const first = recompute(at(0.004, minute(0, '0.004000')), OPTIONS);
  expect(first.decisions[0]).toMatchObject({ probability: 0.008, reason: 'no_traffic_doubled' });
  const stale = { ...first.state, buckets: [minute(0, '0.004000')] };
  expect(recompute(stale, OPTIONS).decisions[0]).toMatchObject({ probability: 0.008, reason: 'not_using' });
});

test('several rounds of two services go as by hand', () => {
  const options = { ...OPTIONS, deltaTolerance: 0.2 };
  const bucket = (counts: Record<string, [number, string]>): Bucket => ({
    intervalMs: 60_000,
    endMs: 0,
    throughput: new Map(
      Object.entries(counts).map(([service, [count, seen]]) => [
        service,
        new Map([['GET', { count, probabilities: new Set([seen]) }]]),
      ]),
    ),
  });
  const rounds: [Record<string, [number, string]>, Record<string, number>][] = [
    // Both are new; A has half of what is wanted, B four times as much.
    [
      { A: [30, '0.001000'], B: [240, '0.001000'] },
      { A: 0.002, B: 0.00025 },
    ],
    // Neither SDK has heard of it.
    [
      { A: [30, '0.001000'], B: [240, '0.001000'] },
      { A: 0.002, B: 0.00025 },
    ],
    // A has, and is on target; B's new value is seen beside the old one.
    [
      { A: [60, '0.002000'], B: [120, '0.000250'] },
      { A: 0.002, B: 0.000125 },
    ],
    // A is not seen, but was sampling: its last rate holds, on target.
    [{ B: [60, '0.000125'] }, { A: 0.002, B: 0.000125 }],
  ];
  let state = EMPTY_STATE;
  for (const [counts, expected] of rounds) {
    const buckets = keepNewest(state.buckets, bucket(counts), options.aggregationBuckets);
    const result = recompute({ ...state, buckets }, options);
    expect(
      Object.fromEntries(result.decisions.map(({ service, probability }) => [service, probability])),
    ).toEqual(expected);
    state = result.state;
  }
});

const anyBucket = fc
  .record({
    count: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000_000 })),
    seen: fc.array(fc.constantFrom('0.001000', '0.002000', '0.500000', '1.000000'), { maxLength: 3 }),
  })
  .map(({ count, seen }) => minute(count, ...seen));

test('whatever was seen, a probability stays within its bounds and a step up never more than doubles', () => {
  fc.assert(
    fc.property(
      fc.array(anyBucket, { minLength: 1, maxLength: 30 }),
      fc.double({ min: 1e-5, max: 1, noNaN: true }),
      (buckets, start) => {
        let state = at(start);
        for (const bucket of buckets) {
          const result = recompute({ ...state, buckets: keepNewest(state.buckets, bucket, 10) }, OPTIONS);
          for (const decision of result.decisions) {
            expect(decision.probability).toBeGreaterThanOrEqual(OPTIONS.minSamplingProbability);
            expect(decision.probability).toBeLessThanOrEqual(1);
            expect(decision.probability).toBeLessThanOrEqual(decision.previous * 2);
            expect(REASONS).toContain(decision.reason);
          }
          state = result.state;
        }
      },
    ),
  );
});

test('the state that goes in stays as it is', () => {
  const state = at(0.5, minute(600, '0.500000'));
  const before = structuredClone(state);
  recompute(state, OPTIONS);
  expect(state).toEqual(before);
});
