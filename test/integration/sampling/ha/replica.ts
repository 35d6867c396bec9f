import { inject, onTestFinished } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import type { Deadline } from '../../../../src/base/component.ts';
import type { HealthStatus } from '../../../../src/base/instruments.ts';
import { controlTopicConfig } from '../../../../src/extensions/remote-sampling/ha/config.ts';
import type { Deciding } from '../../../../src/extensions/remote-sampling/ha/reign.ts';
import {
  type Office,
  ReplicatedProvider,
} from '../../../../src/extensions/remote-sampling/ha/replicated-provider.ts';
import type { StrategySnapshot } from '../../../../src/sampling/snapshot.ts';
import type { Strategy } from '../../../../src/sampling/strategy.ts';

/** What stands in for the algorithm and its store: serves what the test wants, when a round is due. */
export class FakeDeciding implements Deciding {
  readonly office: Office;
  readonly restoredFrom: (StrategySnapshot | undefined)[] = [];
  rounds = 0;
  readonly #wanted: () => StrategySnapshot;

  constructor(office: Office, wanted: () => StrategySnapshot) {
    this.office = office;
    this.#wanted = wanted;
  }

  async restore(served: StrategySnapshot | undefined): Promise<void> {
    this.restoredFrom.push(served);
    if (served === undefined) await this.office.publish(this.#wanted());
  }

  async round(): Promise<void> {
    this.rounds += 1;
    await this.office.publish(this.#wanted());
  }
}

export function perOperation(rates: Readonly<Record<string, number>>): Strategy {
  return {
    strategyType: 'PROBABILISTIC',
    operationSampling: {
      defaultSamplingProbability: 0.001,
      defaultLowerBoundTracesPerSecond: 1 / 60,
      perOperationStrategies: Object.entries(rates).map(([operation, samplingRate]) => ({
        operation,
        probabilisticSampling: { samplingRate },
      })),
      defaultUpperBoundTracesPerSecond: 0,
    },
  };
}

export function snapshotOf(services: Readonly<Record<string, Strategy>>): StrategySnapshot {
  const fallback = perOperation({});
  return { version: 0, madeAtMs: 0, fallback, services: new Map(Object.entries(services)) };
}

export interface Replica {
  readonly provider: ReplicatedProvider<FakeDeciding>;
  readonly health: { status: HealthStatus; reason: string | undefined }[];
  readonly logs: string[];
  readonly values: Map<string, number>;
  /** Undefined while nothing is known. */
  served(): StrategySnapshot | undefined;
  stop(): Promise<void>;
}

export interface ReplicaOptions {
  readonly topic: string;
  readonly self: string;
  /** What it wants to be served whenever it decides. */
  readonly wanted: () => StrategySnapshot;
  readonly more?: object;
}

/** One replica, joined to the others by nothing but the topic; it stops when the test ends. */
export async function startReplica({ topic, self, wanted, more = {} }: ReplicaOptions): Promise<Replica> {
  const health: Replica['health'] = [];
  const logs: string[] = [];
  const values = new Map<string, number>();
  const keyOf = (name: string, labels: object = {}): string => [name, ...Object.values(labels)].join(' ');
  const log = (_fields: object, message: string): void => void logs.push(message);
  const provider = new ReplicatedProvider<FakeDeciding>({
    config: controlTopicConfig.parse({
      brokers: inject('kafkaBrokers'),
      topic,
      session_timeout: '7s',
      ...more,
    }),
    self,
    roundEveryMs: 200,
    createDeciding: (office) => new FakeDeciding(office, wanted),
    context: {
      clock: systemClock,
      random: Math.random,
      log: { debug: () => {}, info: log, warn: log, error: log },
      instruments: {
        counter: (name, labels) => ({
          add: (n) => void values.set(keyOf(name, labels), (values.get(keyOf(name, labels)) ?? 0) + n),
        }),
        gauge: (name, labels) => ({ set: (value) => void values.set(keyOf(name, labels), value) }),
      },
      health: { report: (status, reason) => void health.push({ status, reason }) },
    },
  });
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= provider.stop(deadline(5000));
    return stopped;
  };
  onTestFinished(stop);
  await provider.start();
  const served = (): StrategySnapshot | undefined => {
    try {
      return provider.snapshot;
    } catch {
      return undefined;
    }
  };
  return { provider, health, logs, values, served, stop };
}

export function deadline(ms: number): Deadline {
  const end = performance.now() + ms;
  return { signal: AbortSignal.timeout(ms), remainingMs: () => Math.max(0, end - performance.now()) };
}
