import { describe, expect, test } from 'vitest';
import { KEPT_BY, type SampledRequest } from '../../../src/sampling/simulator/operation-requests.ts';
import { Pipeline } from '../../../src/sampling/simulator/pipeline.ts';
import { SeededRandom } from '../../../src/sampling/simulator/random.ts';
import type { FleetTags, Sdk } from '../../../src/sampling/simulator/scenario.ts';
import { boundOf, variateKindOf } from '../../../src/sampling/simulator/sdk-rules.ts';
import { ServiceFleet } from '../../../src/sampling/simulator/service-fleet.ts';
import { type AttributeValue, double, type TestSpan } from '../../support/spans.ts';
import { throughputOf } from '../batch-of-spans.ts';
import { FLEET } from './fixed-controller.ts';

const EPOCH_S = 1_700_000_000;
const LANGUAGES: Readonly<Record<Sdk, string>> = {
  go: 'go',
  java: 'java',
  js: 'nodejs',
  rust: 'rust',
  python: 'python',
  dotnet: 'dotnet',
};
const P = 0.25;

interface Kept {
  readonly traceId: string;
  readonly timeS: number;
  readonly keptBy: number;
  readonly isError: boolean;
}

/** Two windows, an error, something that the lower bound kept. */
const KEPT: readonly Kept[] = [
  { traceId: '0102030405060708f90a0b0c0d0effff', timeS: 1.5, keptBy: KEPT_BY.probability, isError: false },
  { traceId: '010203040506070800000b0c0d0e0f10', timeS: 2, keptBy: KEPT_BY.probability, isError: true },
  { traceId: '8182038485068788800000000d0e0f10', timeS: 2.25, keptBy: KEPT_BY.lowerBound, isError: false },
  { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', timeS: 7, keptBy: KEPT_BY.probability, isError: false },
];

function simulated(sdk: Sdk, tags: FleetTags) {
  const fleet = { ...FLEET, sdk, tags };
  const kind = variateKindOf(fleet);
  const operations = [{ service: 's', operation: 'o' }];
  const pipeline = new Pipeline({
    tags,
    kind,
    operations,
    epochS: EPOCH_S,
    windowS: 5,
    delayS: 15,
    lags: [],
  });
  const [instance] = new ServiceFleet(
    { service: 's', operations: ['o'], fleet },
    new SeededRandom(1),
    () => 0,
  ).instances;
  for (const { traceId, timeS, keptBy, isError } of KEPT) {
    const words = Uint32Array.from({ length: 4 }, (_, i) =>
      Number.parseInt(traceId.slice(i * 8, i * 8 + 8), 16),
    );
    const request = {
      operation: 0,
      instance,
      timeS,
      keptBy,
      isError,
      probability: P,
      durationS: 0.25,
      chance: 0.5,
    };
    pipeline.send({ ...request, traceId: words } as SampledRequest);
  }
  for (let second = 0; second < 60; second++) pipeline.arrive(second);
  return pipeline.read(60).rows;
}

/** The same as the engine counts the spans that such SDKs send. */
function counted(sdk: Sdk, tags: FleetTags) {
  const spans = KEPT.map(({ traceId, timeS, keptBy, isError }): TestSpan => {
    const isBound = keptBy === KEPT_BY.lowerBound;
    const attributes: Record<string, AttributeValue> =
      tags === 'jaeger'
        ? { 'sampler.type': isBound ? 'lowerbound' : 'probabilistic', 'sampler.param': double(P) }
        : {};
    return {
      name: 'o',
      traceId,
      startNs: BigInt((EPOCH_S + timeS) * 1e9),
      durationNs: 250_000_000,
      attributes,
      // 3/4 of 2^56 is rejected.
      ...(tags === 'otel' && !isBound ? { traceState: 'ot=rv:ffffffffffffff;th:c' } : {}),
      ...(isError ? { status: { code: 2 } } : {}),
    };
  });
  const attributes = { 'telemetry.sdk.language': LANGUAGES[sdk] };
  return throughputOf([{ service: 's', attributes, spans }]);
}

describe.each(['go', 'java', 'js', 'rust', 'python', 'dotnet'] as const)('rows of roots of %s', (sdk) => {
  test.each(['none', 'jaeger'] as const)('with tags: %s are what the engine makes of their spans', (tags) => {
    const rows = simulated(sdk, tags);
    expect(rows).toHaveLength(2);
    expect(rows).toEqual(counted(sdk, tags));
  });
});

test('rows of roots with a threshold are what the engine makes of their spans', () => {
  const [first, second] = simulated('go', 'otel');
  const [one, other] = counted('go', 'otel');
  // An untagged root of such an SDK has a variate by the rule of thresholds, which its language does not tell.
  const withoutVariates = (row: typeof first) => ({
    ...row,
    sampled: { ...row?.sampled, variates: undefined },
  });
  expect(withoutVariates(first)).toEqual(withoutVariates(one));
  expect(second).toEqual(other);
  expect(boundOf('otel_consistent', P)).toEqual({ hi: 0xc00000, lo: 0 });
});

test('a root that comes after its window was read is lost, and counted', () => {
  const operations = [{ service: 's', operation: 'o' }];
  const options = {
    tags: 'none',
    kind: 'go_rust',
    operations,
    epochS: EPOCH_S,
    windowS: 5,
    delayS: 0,
    lags: [],
  } as const;
  const pipeline = new Pipeline(options);
  const [instance] = new ServiceFleet(
    { service: 's', operations: ['o'], fleet: FLEET },
    new SeededRandom(1),
    () => 0,
  ).instances;
  const traceId = new Uint32Array([1, 2, 3, 4]);
  const request = {
    operation: 0,
    instance,
    timeS: 1,
    keptBy: 0,
    isError: false,
    probability: P,
    durationS: 0.1,
    chance: 0,
  };
  pipeline.send({ ...request, traceId } as SampledRequest);
  expect(pipeline.read(6).rows).toEqual([]);
  for (let second = 0; second < 60; second++) pipeline.arrive(second);
  expect(pipeline.read(60).rows).toEqual([]);
  expect(pipeline.late).toBe(1);
});
