import type { ServicePollers } from '../../../sampling/adaptive/controller.ts';

/** By service. */
export type PollersByService = ReadonlyMap<string, ServicePollers>;

/** Who polls one replica, as it tells the others; a large one comes as several reports. */
interface Report {
  readonly from: string;
  readonly services: readonly ServiceReport[];
}

/** Service, instances, slowest interval in ms or null, 1 where the lower bound is honoured. */
type ServiceReport = readonly [string, number, number | null, 0 | 1];

export const REPORT_EVERY_MS = 5000;
/** What a replica has not told again for so long does not hold any more. */
export const REPORT_HOLDS_MS = 30_000;
const SERVICES_PER_REPORT = 2000;
const MAX_REPLICAS = 1000;

/** [] when nobody polls. */
export function reportsOf(from: string, pollers: PollersByService): string[] {
  const services = Array.from(
    pollers,
    ([service, { instances, slowestIntervalMs, hasLowerBound }]): ServiceReport => [
      service,
      instances,
      slowestIntervalMs ?? null,
      hasLowerBound ? 1 : 0,
    ],
  );
  const reports: string[] = [];
  for (let at = 0; at < services.length; at += SERVICES_PER_REPORT) {
    const report: Report = { from, services: services.slice(at, at + SERVICES_PER_REPORT) };
    reports.push(JSON.stringify(report));
  }
  return reports;
}

interface Replica {
  lastMs: number;
  readonly services: Map<string, { readonly pollers: ServicePollers; readonly atMs: number }>;
}

/** What the other replicas have told of late. */
export class PollerReports {
  readonly #self: string;
  readonly #replicas = new Map<string, Replica>();

  constructor(self: string) {
    this.#self = self;
  }

  /** False for what is no report. `atMs`: Unix ms. */
  take(value: Uint8Array | null, atMs: number): boolean {
    const report = parse(value);
    if (report === undefined) return false;
    if (report.from === this.#self) return true;
    const replica = this.#replicaOf(report.from);
    replica.lastMs = atMs;
    for (const [service, instances, slowestMs, honours] of report.services) {
      const pollers = { instances, slowestIntervalMs: slowestMs ?? undefined, hasLowerBound: honours === 1 };
      replica.services.set(service, { pollers, atMs });
    }
    return true;
  }

  /**
   * With what the others have told. A client that a balancer sends to several replicas counts at each of them: more
   * instances than there are, and intervals that are longer and never shorter.
   */
  merged(own: PollersByService, nowMs: number): PollersByService {
    this.#forget(nowMs);
    const merged = new Map(own);
    for (const { services } of this.#replicas.values()) {
      for (const [service, { pollers }] of services) {
        const known = merged.get(service);
        merged.set(service, known === undefined ? pollers : added(known, pollers));
      }
    }
    return merged;
  }

  #replicaOf(name: string): Replica {
    const known = this.#replicas.get(name);
    if (known !== undefined) return known;
    // Replicas that come and go all the time must not add up.
    if (this.#replicas.size >= MAX_REPLICAS) this.#replicas.clear();
    const replica: Replica = { lastMs: 0, services: new Map() };
    this.#replicas.set(name, replica);
    return replica;
  }

  #forget(nowMs: number): void {
    const sinceMs = nowMs - REPORT_HOLDS_MS;
    for (const [name, { lastMs, services }] of this.#replicas) {
      if (lastMs < sinceMs) this.#replicas.delete(name);
      else for (const [service, { atMs }] of services) if (atMs < sinceMs) services.delete(service);
    }
  }
}

function added(a: ServicePollers, b: ServicePollers): ServicePollers {
  const slowest = [a.slowestIntervalMs, b.slowestIntervalMs].filter((one) => one !== undefined);
  return {
    instances: a.instances + b.instances,
    slowestIntervalMs: slowest.length === 0 ? undefined : Math.max(...slowest),
    hasLowerBound: a.hasLowerBound || b.hasLowerBound,
  };
}

function parse(value: Uint8Array | null): Report | undefined {
  if (value === null) return undefined;
  try {
    const report = JSON.parse(Buffer.from(value).toString('utf8')) as Partial<Report> | null;
    const { from, services } = report ?? {};
    const isReport = typeof from === 'string' && Array.isArray(services) && services.every(isServiceReport);
    return isReport ? (report as Report) : undefined;
  } catch {
    return undefined;
  }
}

function isServiceReport(value: unknown): value is ServiceReport {
  if (!Array.isArray(value)) return false;
  const [service, instances, slowestMs] = value as unknown[];
  return (
    typeof service === 'string' &&
    Number.isFinite(instances) &&
    (instances as number) >= 1 &&
    (slowestMs === null || Number.isFinite(slowestMs))
  );
}
