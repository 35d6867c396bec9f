import { systemClock } from '../../../../src/base/clock.ts';
import type { Deadline } from '../../../../src/base/component.ts';
import type { HealthStatus } from '../../../../src/base/instruments.ts';
import { controlTopicConfig } from '../../../../src/extensions/remote-sampling/ha/config.ts';
import type { Deciding } from '../../../../src/extensions/remote-sampling/ha/reign.ts';
import {
  type Office,
  ReplicatedProvider,
} from '../../../../src/extensions/remote-sampling/ha/replicated-provider.ts';
import type { StrategySnapshot } from '../../../../src/sampling/strategies/snapshot.ts';
import type { Strategy } from '../../../../src/sampling/strategies/strategy.ts';

/** What is wanted next, when this is served now. */
export type Wanted = (served: StrategySnapshot | undefined) => StrategySnapshot;

/** Stands in for the algorithm and its store: wants something whenever a round is due. */
export class FakeDeciding implements Deciding {
  readonly restoredFrom: (StrategySnapshot | undefined)[] = [];
  rounds = 0;
  readonly #office: Office;
  readonly #wanted: Wanted;
  #served: StrategySnapshot | undefined;

  constructor(office: Office, wanted: Wanted) {
    this.#office = office;
    this.#wanted = wanted;
  }

  async restore(served: StrategySnapshot | undefined): Promise<void> {
    this.restoredFrom.push(served);
    this.#served = served;
    if (served === undefined) await this.#publish();
  }

  async round(): Promise<void> {
    await this.#publish();
    this.rounds += 1;
  }

  async #publish(): Promise<void> {
    const next = this.#wanted(this.#served);
    await this.#office.publish(next);
    this.#served = next;
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
  return { version: 0, madeAtMs: 0, fallback: perOperation({}), services: new Map(Object.entries(services)) };
}

/** The probability of the one operation of the service `shop`. */
export function shopRate(snapshot: StrategySnapshot | undefined): number | undefined {
  const operations = snapshot?.services.get('shop')?.operationSampling?.perOperationStrategies;
  return operations?.[0]?.probabilisticSampling.samplingRate;
}

export interface ProviderOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly self: string;
  readonly wanted: Wanted;
  readonly roundEveryMs?: number;
}

export interface Told {
  readonly health: { status: HealthStatus; reason: string | undefined }[];
  readonly logs: string[];
  readonly values: Map<string, number>;
}

export function createProvider(options: ProviderOptions) {
  const told: Told = { health: [], logs: [], values: new Map() };
  const keyOf = (name: string, labels: object = {}): string => [name, ...Object.values(labels)].join(' ');
  const log = (_fields: object, message: string): void => void told.logs.push(message);
  const { values } = told;
  const provider = new ReplicatedProvider<FakeDeciding>({
    config: controlTopicConfig.parse({
      brokers: [...options.brokers],
      topic: options.topic,
      session_timeout: '8s',
    }),
    self: options.self,
    roundEveryMs: options.roundEveryMs ?? 200,
    createDeciding: (office) => new FakeDeciding(office, options.wanted),
    context: {
      clock: systemClock,
      random: Math.random,
      log: { debug: () => {}, info: log, warn: log, error: log },
      instruments: {
        counter: (name, labels) => ({
          add: (n) => void values.set(keyOf(name, labels), (values.get(keyOf(name, labels)) ?? 0) + n),
        }),
        timer: () => ({ record: () => {} }),
        gauge: (name, labels) => ({ set: (value) => void values.set(keyOf(name, labels), value) }),
      },
      health: { report: (status, reason) => void told.health.push({ status, reason }) },
    },
  });
  return { provider, told };
}

/** Undefined while nothing is known. */
export function servedBy(provider: { readonly snapshot: StrategySnapshot }): StrategySnapshot | undefined {
  try {
    return provider.snapshot;
  } catch {
    return undefined;
  }
}

export function deadline(ms: number): Deadline {
  const end = performance.now() + ms;
  return { signal: AbortSignal.timeout(ms), remainingMs: () => Math.max(0, end - performance.now()) };
}
