import { describe, expect, test } from 'vitest';
import { AdaptiveControl } from '../../../src/sampling/jaeger/adaptive-control.ts';
import { DEFAULT_ADAPTIVE_OPTIONS } from '../../../src/sampling/jaeger/options.ts';
import { strategyFor } from '../../../src/sampling/strategies/snapshot.ts';

const MINUTE = 60_000;

function minuteAt(minute: number) {
  return { startMs: (minute - 3) * MINUTE, endMs: (minute - 2) * MINUTE };
}

function row(count: number, probability: string, operation = 'op') {
  return { windowS: 0, service: 'svc', operation, count, probabilities: [probability] };
}

function stored(operation: string, probability: number) {
  return { service: 'svc', operation, probability, qps: 1, decidedAtMs: 5 };
}

/** What is served for each operation of svc. */
function served(control: AdaptiveControl, nowMs = 0, listRetired = false) {
  const { operationSampling } = strategyFor(control.snapshot(nowMs, listRetired), 'svc');
  return Object.fromEntries(
    (operationSampling?.perOperationStrategies ?? []).map((each) => [
      each.operation,
      each.probabilisticSampling.samplingRate,
    ]),
  );
}

test('a fresh decision is served at once', () => {
  const control = new AdaptiveControl(DEFAULT_ADAPTIVE_OPTIONS);
  const [decision] = control.round([row(600, '0.001000')], minuteAt(3), 3 * MINUTE);
  expect(decision).toMatchObject({ probability: 0.0001, reason: 'lowered' });
  expect(served(control)).toEqual({ op: 0.0001 });
});

test('a standing decision says since when its probability is served', () => {
  const control = new AdaptiveControl(DEFAULT_ADAPTIVE_OPTIONS);
  control.round([row(600, '0.001000')], minuteAt(3), 3 * MINUTE);
  control.round([row(60, '0.000100')], minuteAt(4), 4 * MINUTE);
  expect(control.standing()).toMatchObject([{ reason: 'within_tolerance', changedAtMs: 3 * MINUTE }]);
});

test('rounds whose rows are empty do not forget before the buckets do', () => {
  const control = new AdaptiveControl({ ...DEFAULT_ADAPTIVE_OPTIONS, aggregationBuckets: 2 });
  control.round([row(60, '0.001000')], minuteAt(3), 3 * MINUTE);
  control.round([], minuteAt(4), 4 * MINUTE);
  expect(served(control)).toEqual({ op: 0.001 });
  control.round([], minuteAt(5), 5 * MINUTE);
  expect(served(control)).toEqual({});
});

describe('after a restart', () => {
  test('stored probabilities are served before anything is decided', () => {
    const control = new AdaptiveControl(DEFAULT_ADAPTIVE_OPTIONS);
    control.restore([stored('op', 0.25)], [], 0);
    expect(served(control)).toEqual({ op: 0.25 });
    expect(control.standing()).toMatchObject([{ reason: 'stored', probability: 0.25, changedAtMs: 5 }]);
  });

  test('the next decision starts from the stored probability', () => {
    const control = new AdaptiveControl(DEFAULT_ADAPTIVE_OPTIONS);
    control.restore([stored('op', 0.25)], [], 0);
    const [decision] = control.round([row(600, '0.250000')], minuteAt(3), 3 * MINUTE);
    expect(decision).toMatchObject({ previous: 0.25, probability: 0.025 });
  });

  test('what is stored outlives silence as long as the buckets would remember it, and no longer', () => {
    const control = new AdaptiveControl({ ...DEFAULT_ADAPTIVE_OPTIONS, aggregationBuckets: 3 });
    control.restore([stored('op', 0.25), stored('other', 0.5)], [], 0);
    control.round([row(60, '0.250000')], minuteAt(1), MINUTE);
    control.round([], minuteAt(4), 4 * MINUTE);
    expect(served(control)).toEqual({ op: 0.25, other: 0.5 });
    control.round([], minuteAt(5), 5 * MINUTE);
    expect(served(control)).toEqual({ op: 0.25 });
    control.round([], minuteAt(6), 6 * MINUTE);
    expect(served(control)).toEqual({});
  });

  test('an operation that was decided on since is forgotten like any other', () => {
    const control = new AdaptiveControl({ ...DEFAULT_ADAPTIVE_OPTIONS, aggregationBuckets: 1 });
    control.restore([stored('op', 0.25)], [], 0);
    control.round([row(60, '0.250000')], minuteAt(1), MINUTE);
    control.round([], minuteAt(2), 2 * MINUTE);
    expect(served(control)).toEqual({});
  });
});

test('a forgotten operation stays listed at the default for an hour, where that is wanted', () => {
  const control = new AdaptiveControl({ ...DEFAULT_ADAPTIVE_OPTIONS, aggregationBuckets: 1 });
  control.round([row(600, '0.001000')], minuteAt(3), 3 * MINUTE);
  control.round([row(60, '0.001000', 'new')], minuteAt(4), 4 * MINUTE);
  expect(served(control, 4 * MINUTE, true)).toEqual({ op: 0.001, new: 0.001 });
  expect(served(control, 4 * MINUTE, false)).toEqual({ new: 0.001 });
  control.round([row(60, '0.001000', 'new')], minuteAt(65), 65 * MINUTE);
  expect(served(control, 65 * MINUTE, true)).toEqual({ new: 0.001 });
});

test('a forgotten operation that comes back has its own probability again', () => {
  const control = new AdaptiveControl({ ...DEFAULT_ADAPTIVE_OPTIONS, aggregationBuckets: 1 });
  control.round([row(600, '0.001000')], minuteAt(3), 3 * MINUTE);
  control.round([], minuteAt(4), 4 * MINUTE);
  control.round([row(6000, '0.001000')], minuteAt(5), 5 * MINUTE);
  expect(served(control, 5 * MINUTE, true)).toEqual({ op: 0.00001 });
});
