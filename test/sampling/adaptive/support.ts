import type { AdaptiveController } from '../../../src/sampling/adaptive/adaptive-controller.ts';
import type {
  ControlDecision,
  ServicePollers,
  TraceCost,
} from '../../../src/sampling/adaptive/controller.ts';
import type { Override } from '../../../src/sampling/adaptive/options.ts';
import type { RootRow, SampledRoots } from '../../../src/sampling/roots/root-row.ts';
import { NO_ROOTS } from '../../../src/sampling/roots/root-row.ts';
import { variateClass } from '../../../src/sampling/roots/variate-classes.ts';
import { strategyFor } from '../../../src/sampling/strategies/snapshot.ts';

export const WINDOW_MS = 5000;
/** A window is read so long after its end. */
const WAY_MS = 10_000;

/** A small random generator with a seed, so that a run can be repeated. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function poisson(mean: number, random: () => number): number {
  let left = mean;
  let count = 0;
  for (;;) {
    left += Math.log(1 - random());
    if (left < 0) return count;
    count += 1;
  }
}

/** Roots with these variates and nothing else. */
export function rootsOf(variates: readonly number[]): SampledRoots {
  const counts = new Map<number, number>();
  for (const u of variates) counts.set(variateClass(u), (counts.get(variateClass(u)) ?? 0) + 1);
  const classes = [...counts.keys()].sort((a, b) => a - b);
  return {
    ...NO_ROOTS,
    roots: variates.length,
    variates: { classes, counts: classes.map((at) => counts.get(at) as number) },
  };
}

export interface Traffic {
  readonly service: string;
  readonly operation: string;
  /** Requests per second at a second. */
  readonly rate: (second: number) => number;
}

/** One instance that polls every minute; SDKs that tell nothing. Windows arrive whole, one a round. */
export class SmallFleet {
  readonly controller: AdaptiveController;
  readonly pollers = new Map<string, ServicePollers>();
  /** By operation, of its roots. */
  readonly errorShare = new Map<string, number>();
  costs: ReadonlyMap<string, ReadonlyMap<string, TraceCost>> = new Map();
  pins: readonly Override[] = [];
  readonly #traffic: readonly Traffic[];
  readonly #random: () => number;
  readonly #instances: number;
  readonly #inForce: Map<string, number>[];
  readonly #waiting: RootRow[] = [];
  #second = 0;
  #readUntilMs = -WAY_MS;
  /** While it is set nothing is complete. */
  isLagging = false;
  /** Samples of each operation, by second. */
  readonly sampled: number[][];

  constructor(controller: AdaptiveController, traffic: readonly Traffic[], seed: number, instances = 10) {
    this.controller = controller;
    this.#traffic = traffic;
    this.#random = randomOf(seed);
    this.#instances = instances;
    this.#inForce = Array.from({ length: instances }, () => new Map());
    this.sampled = traffic.map(() => []);
    for (const { service } of traffic) {
      this.pollers.set(service, { instances, slowestIntervalMs: 60_000, hasLowerBound: false });
    }
  }

  get second(): number {
    return this.#second;
  }

  run(untilSecond: number): void {
    for (; this.#second < untilSecond; this.#second += WINDOW_MS / 1000) this.#window();
  }

  served(service: string, operation: string): number {
    const { operationSampling } = strategyFor(this.controller.snapshot(), service);
    const own = operationSampling?.perOperationStrategies.find((one) => one.operation === operation);
    return (
      own?.probabilisticSampling.samplingRate ?? (operationSampling?.defaultSamplingProbability as number)
    );
  }

  decision(service: string, operation: string): ControlDecision {
    return this.controller
      .standing()
      .find((one) => one.service === service && one.operation === operation) as ControlDecision;
  }

  /** Sampled per second in [from, to), of one operation. */
  mean(operation: number, from: number, to: number): number {
    const sums = (this.sampled[operation] as number[]).slice(from / 5, to / 5);
    return sums.reduce((sum, each) => sum + each, 0) / (to - from);
  }

  #window(): void {
    for (let i = 0; i < this.#instances; i++) {
      // Polls are spread evenly over the minute.
      const polls = Math.floor((i * 12) / this.#instances) * 5;
      if (this.#second % 60 !== polls && this.#second > 0) continue;
      for (const { service, operation } of this.#traffic) {
        this.#inForce[i]?.set(`${service}\n${operation}`, this.served(service, operation));
      }
    }
    for (const [at, traffic] of this.#traffic.entries()) this.#request(traffic, at);
    this.#round((this.#second + WINDOW_MS / 1000) * 1000);
  }

  #request({ service, operation, rate }: Traffic, at: number): void {
    const variates: number[] = [];
    const each = ((rate(this.#second) / this.#instances) * WINDOW_MS) / 1000;
    for (const inForce of this.#inForce) {
      const probability = inForce.get(`${service}\n${operation}`) as number;
      const kept = poisson(each * probability, this.#random);
      for (let i = 0; i < kept; i++) variates.push(this.#random() * probability);
    }
    this.sampled[at]?.push(variates.length);
    if (variates.length === 0) return;
    const errors = Math.round(variates.length * (this.errorShare.get(operation) ?? 0));
    const sampled = { ...rootsOf(variates), errors };
    this.#waiting.push({ windowS: this.#second, service, operation, sampled });
  }

  #round(nowMs: number): void {
    const startMs = this.#readUntilMs;
    const endMs = this.isLagging ? startMs : nowMs - WAY_MS;
    const rows = this.#waiting.filter(({ windowS }) => windowS * 1000 < endMs);
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter((row) => !rows.includes(row)));
    this.#readUntilMs = Math.max(startMs, endMs);
    const { pollers, costs, pins } = this;
    this.controller.round({ nowMs, startMs, endMs, rows, pollers, costs, pins });
  }
}
