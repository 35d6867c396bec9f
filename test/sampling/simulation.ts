import { AdaptiveControl } from '../../src/sampling/adaptive-control.ts';
import { MemorySamplingStore } from '../../src/sampling/memory-store.ts';
import type { AdaptiveOptions } from '../../src/sampling/options.ts';
import { sixDecimals } from '../../src/sampling/six-decimals.ts';
import { strategyFor } from '../../src/sampling/snapshot.ts';
import { rowOf } from './rows.ts';

export interface Scenario {
  readonly options: AdaptiveOptions;
  readonly seconds: number;
  /** Requests per second of the one operation there is, over all instances. */
  readonly load: (second: number) => number;
  readonly instances: number;
  readonly pollSeconds: number;
  readonly seed: number;
}

export interface Second {
  /** Probability that is served. */
  readonly served: number;
  /** Traces that were sampled. */
  readonly sampled: number;
}

const WINDOW_S = 5;

/**
 * SDK instances that poll at different times, Poisson traffic, and the control loop, second by second in
 * virtual time. Instances have no lower bound.
 */
export async function simulate(scenario: Scenario): Promise<readonly Second[]> {
  const { options, seconds, load, instances, pollSeconds } = scenario;
  const random = mulberry32(scenario.seed);
  const control = new AdaptiveControl(options);
  const store = new MemorySamplingStore({
    windowMs: WINDOW_S * 1000,
    windows: 1000,
    futureWindows: 0,
    maxOperations: 1,
  });
  const phases = Array.from({ length: instances }, () => Math.floor(random() * pollSeconds));
  const probabilities = phases.map(() => options.initialSamplingProbability);
  const history: Second[] = [];
  let checkedUntilMs = -options.calculationDelayMs;
  for (let second = 0; second < seconds; second++) {
    const served = servedProbability(control, options);
    let sampled = 0;
    for (let i = 0; i < instances; i++) {
      if (second % pollSeconds === phases[i]) probabilities[i] = served;
      const probability = probabilities[i] as number;
      const count = poisson((load(second) / instances) * probability, random);
      if (count === 0) continue;
      sampled += count;
      const windowS = Math.floor(second / WINDOW_S) * WINDOW_S;
      const row = rowOf({ windowS, service: 'svc', count, probabilities: [sixDecimals(probability)] });
      store.add([row], second * 1000, (reason) => {
        throw new Error(reason);
      });
    }
    history.push({ served, sampled });
    const nowMs = (second + 1) * 1000;
    if (nowMs % options.calculationIntervalMs !== 0) continue;
    const endMs = nowMs - options.calculationDelayMs;
    control.round(await store.throughput(checkedUntilMs, endMs), { startMs: checkedUntilMs, endMs }, nowMs);
    checkedUntilMs = endMs;
  }
  return history;
}

/** Sampled traces per second in [from, to). */
export function meanSampled(history: readonly Second[], from: number, to: number): number {
  let sum = 0;
  for (const { sampled } of history.slice(from, to)) sum += sampled;
  return sum / (to - from);
}

function servedProbability(control: AdaptiveControl, options: AdaptiveOptions): number {
  const { operationSampling } = strategyFor(control.snapshot(0, false), 'svc');
  const [only] = operationSampling?.perOperationStrategies ?? [];
  return only?.probabilisticSampling.samplingRate ?? options.initialSamplingProbability;
}

function poisson(mean: number, random: () => number): number {
  let left = mean;
  let count = 0;
  for (;;) {
    left += Math.log(1 - random());
    if (left < 0) return count;
    count += 1;
  }
}

/** A small random generator with a seed, so that a run can be repeated. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
