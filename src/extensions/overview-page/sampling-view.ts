import type { Conformance } from '../../sampling/adaptive/controller.ts';
import type { DecisionHistory, DecisionSource } from './decisions.ts';
import type { OverviewQuery } from './overview.ts';
import { known, type SamplingView as OperationSampling, samplingOf } from './sampling-of.ts';

export interface SamplingRow extends OperationSampling {
  readonly service: string;
  /** '' = all that is not listed. */
  readonly operation: string;
  /** 0-1; null without a budget. */
  readonly budgetShare: number | null;
  readonly samples: number;
}

export interface SamplingPage {
  readonly mode: string | null;
  /** Sampled root spans per second: wanted, expected of the estimated requests, and what really came. */
  readonly wanted: number;
  readonly expected: number;
  readonly real: number | null;
  readonly requests: number;
  readonly matching: number;
  readonly rows: readonly SamplingRow[];
  /** One row a service, those that do not sample as told first. */
  readonly services: readonly {
    readonly service: string;
    readonly conformance: string;
    readonly instances: number;
  }[];
  readonly pollers: readonly PollerRow[];
  readonly matchingPollers: number;
}

interface PollerRow {
  readonly service: string;
  readonly address: string;
  readonly client: string;
  readonly transport: string;
  readonly instances: number;
  readonly polls: number;
  readonly lastPollAgoS: number;
  readonly intervalS: number | null;
  readonly isAlive: boolean;
}

const MOST_POLLERS = 200;
const WELL: readonly Conformance[] = ['unknown', 'follows'];

/** What is served, what it leads to, why, who follows and who asks. */
export function samplingPage(
  query: OverviewQuery,
  decisions: DecisionHistory,
  source: DecisionSource | undefined,
  real: number | null,
): SamplingPage {
  const rows: SamplingRow[] = [];
  const conformance = new Map<string, Conformance>();
  const sums = { wanted: 0, expected: 0, requests: 0 };
  for (const served of decisions.all) {
    const { decision } = served;
    const { service, operation, target, rate } = decision;
    if (operation === '') {
      if (service !== '') conformance.set(service, decision.conformance);
    } else {
      sums.wanted += orZero(target);
      sums.expected += orZero(rate * served.served);
      sums.requests += orZero(rate);
    }
    if (!matches(service, operation, query.filter)) continue;
    rows.push({
      service,
      operation,
      ...samplingOf(served),
      budgetShare: known(decision.budgetShare),
      samples: decision.samples,
    });
  }
  rows.sort((a, b) => (b.requestsPerSecond ?? -1) - (a.requestsPerSecond ?? -1));
  const { pollers, instances } = pollersOf(source, query.filter);
  return {
    mode: source?.mode?.() ?? null,
    ...sums,
    real,
    matching: rows.length,
    rows: rows.slice(0, query.limit),
    services: servicesOf(conformance, instances).slice(0, query.limit),
    pollers: pollers.slice(0, MOST_POLLERS),
    matchingPollers: pollers.length,
  };
}

function servicesOf(conformance: ReadonlyMap<string, Conformance>, instances: ReadonlyMap<string, number>) {
  const rows = [...conformance].map(([service, how]) => ({
    service,
    conformance: how,
    instances: instances.get(service) ?? 0,
  }));
  const rank = (how: Conformance): number => (WELL.includes(how) ? 1 : 0);
  return rows.sort((a, b) => rank(a.conformance) - rank(b.conformance) || (a.service < b.service ? -1 : 1));
}

function pollersOf(source: DecisionSource | undefined, filter: string) {
  const pollers: PollerRow[] = [];
  const instances = new Map<string, number>();
  const state = source?.pollers?.();
  for (const { service, pollers: own } of state?.services ?? []) {
    for (const poller of own) {
      const isAlive = poller.aliveUntilMs >= (state?.atMs ?? 0);
      if (isAlive) instances.set(service, (instances.get(service) ?? 0) + poller.instances);
      if (!matches(service, poller.client, filter)) continue;
      pollers.push({
        service,
        address: poller.address,
        client: poller.client,
        transport: poller.transport,
        instances: poller.instances,
        polls: poller.polls,
        lastPollAgoS: Math.max(0, Math.round(((state?.atMs ?? 0) - poller.lastPollMs) / 1000)),
        intervalS: poller.intervalMs === undefined ? null : poller.intervalMs / 1000,
        isAlive,
      });
    }
  }
  pollers.sort((a, b) => a.lastPollAgoS - b.lastPollAgoS || (a.service < b.service ? -1 : 1));
  return { pollers, instances };
}

function matches(service: string, other: string, filter: string): boolean {
  return filter === '' || service.toLowerCase().includes(filter) || other.toLowerCase().includes(filter);
}

function orZero(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
