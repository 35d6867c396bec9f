import type { ControlDecision, Controller, ControlRound } from '../../../src/sampling/adaptive/controller.ts';
import type { ThroughputRow } from '../../../src/sampling/roots/throughput-rows.ts';
import type { Fleet, Scenario } from '../../../src/sampling/simulator/scenario.ts';
import type { StrategySnapshot } from '../../../src/sampling/strategies/snapshot.ts';

/** Serves one probability for everything and keeps what it is told. */
export class FixedController implements Controller<ThroughputRow> {
  readonly rounds: ControlRound<ThroughputRow>[] = [];
  readonly restored: (readonly ControlDecision[])[] = [];
  probability: number;
  readonly #lowerBound: number;

  constructor(probability: number, lowerBound = 0) {
    this.probability = probability;
    this.#lowerBound = lowerBound;
  }

  round(round: ControlRound<ThroughputRow>): readonly ControlDecision[] {
    this.rounds.push(round);
    return [];
  }

  snapshot(): StrategySnapshot {
    const operationSampling = {
      defaultSamplingProbability: this.probability,
      defaultLowerBoundTracesPerSecond: this.#lowerBound,
      perOperationStrategies: [],
      defaultUpperBoundTracesPerSecond: 0,
    };
    return {
      version: 1,
      madeAtMs: 0,
      fallback: { strategyType: 'PROBABILISTIC', operationSampling },
      services: new Map(),
    } as StrategySnapshot;
  }

  standing(): readonly ControlDecision[] {
    return [];
  }

  restore(stored: readonly ControlDecision[]): void {
    this.restored.push(stored);
  }
}

export const FLEET: Fleet = {
  instances: 10,
  pollIntervalS: 60,
  sdk: 'go',
  lowerBound: false,
  tags: 'none',
  initialProbability: 0,
};

/** One operation at a steady rate. */
export function scenarioOf(perSecond: number, durationS: number, more: Partial<Scenario> = {}): Scenario {
  return {
    name: 'test',
    seed: 1,
    durationS,
    fleet: FLEET,
    operations: [{ service: 's', operation: 'o', rate: [{ atS: 0, perSecond }], errorShare: 0 }],
    events: [],
    ...more,
  };
}

export function rootsOf(rounds: readonly ControlRound<ThroughputRow>[]): number {
  let roots = 0;
  for (const { rows } of rounds) for (const { sampled } of rows) roots += sampled.roots;
  return roots;
}
