import { systemClock } from '../../../src/base/clock.ts';
import type { ComponentContext } from '../../../src/base/component.ts';
import type { HealthStatus } from '../../../src/base/instruments.ts';
import { compareText } from '../../../src/sampling/by-operation.ts';
import { METRICS } from '../../../src/telemetry/metrics.ts';

export interface Recording {
  readonly context: ComponentContext;
  /** Messages of the log, all levels. */
  readonly logged: string[];
  /** By `name{label="value"}`. */
  readonly metrics: Map<string, number>;
  readonly health: { status: HealthStatus; reason: string | undefined };
}

/** A component's context that keeps what it is told. */
export function recording(overrides: Partial<ComponentContext> = {}): Recording {
  const logged: string[] = [];
  const metrics = new Map<string, number>();
  const health: Recording['health'] = { status: 'starting', reason: undefined };
  const write = (_fields: object, message: string): void => void logged.push(message);
  const keyOf = (name: string, labels: Readonly<Record<string, string>> = {}): string => {
    const declared = METRICS[name];
    if (declared === undefined) throw new Error(`${name} is not declared`);
    if (Object.keys(labels).sort().join() !== [...declared.labels].sort().join()) {
      throw new Error(`${name} is declared with the labels ${declared.labels.join()}`);
    }
    return metricKey(name, labels);
  };
  const context: ComponentContext = {
    id: 'remote_sampling',
    clock: systemClock,
    random: () => 0.5,
    log: { debug: write, info: write, warn: write, error: write },
    instruments: {
      counter: (name, labels) => {
        const key = keyOf(name, labels);
        return { add: (n) => void metrics.set(key, (metrics.get(key) ?? 0) + n) };
      },
      timer: () => ({ record: () => {} }),
      gauge: (name, labels) => {
        const key = keyOf(name, labels);
        return { set: (value) => void metrics.set(key, value) };
      },
    },
    health: { report: (status, reason) => Object.assign(health, { status, reason }) },
    ...overrides,
  };
  return { context, logged, metrics, health };
}

export function metricKey(name: string, labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `${name}{${pairs.toSorted(compareText).join(',')}}`;
}

/** A deadline that never comes. */
export const NO_HURRY = {
  get signal() {
    return new AbortController().signal;
  },
  remainingMs: () => 10_000,
};
