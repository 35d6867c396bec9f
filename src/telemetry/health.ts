import type { Clock } from '../base/clock.ts';
import type { Gauge, HealthReporter, HealthStatus, Instruments } from '../base/instruments.ts';

/** Worst first: what several parts feel together is the first of these that one of them feels. */
const WORST_FIRST: readonly HealthStatus[] = [
  'broken',
  'recoverable',
  'stopping',
  'stopped',
  'starting',
  'ok',
];

export interface PartHealth {
  readonly status: HealthStatus;
  /** '' when there is nothing to say. */
  readonly reason: string;
  /** Unix ms since when it is in this status; another reason does not begin anew. */
  readonly sinceMs: number;
}

export interface ComponentHealth extends PartHealth {
  /** `receiver:otlp`, `exporter:clickhouse/2`, `extension:healthcheckv2`. */
  readonly key: string;
  /** `traces`, `metrics/red`, or `extensions`. */
  readonly groups: readonly string[];
}

/** How every component feels; one per process, in the main thread. */
export class HealthRegistry {
  readonly startedMs: number;
  readonly #clock: Clock;
  /** By component key, then by part: `main` or the lane's number. */
  readonly #components = new Map<string, { groups: readonly string[]; parts: Map<string, PartHealth> }>();

  readonly #instruments: Instruments | undefined;
  readonly #gauges = new Map<string, Gauge>();

  constructor(clock: Clock, instruments?: Instruments) {
    this.#clock = clock;
    this.#instruments = instruments;
    this.startedMs = clock.wallMs();
  }

  /**
   * Says where a component belongs, before it says anything itself. The parts that are named are `starting`;
   * a component without parts is not listed until one of them reports.
   */
  declare(key: string, groups: readonly string[], parts: readonly string[] = []): void {
    const start: PartHealth = { status: 'starting', reason: '', sinceMs: this.#clock.wallMs() };
    this.#components.set(key, { groups, parts: new Map(parts.map((part) => [part, start])) });
    if (parts.length > 0) this.#measure(key, start);
  }

  report(key: string, part: string, status: HealthStatus, reason = ''): void {
    let component = this.#components.get(key);
    if (component === undefined) {
      component = { groups: ['extensions'], parts: new Map() };
      this.#components.set(key, component);
    }
    const before = component.parts.get(part);
    if (before?.status === status && before.reason === reason) return;
    const sinceMs = before?.status === status ? before.sinceMs : this.#clock.wallMs();
    component.parts.set(part, { status, reason, sinceMs });
    this.#measure(key, worst(component.parts.values()));
  }

  #measure(key: string, { status }: PartHealth): void {
    if (this.#instruments === undefined) return;
    let gauge = this.#gauges.get(key);
    if (gauge === undefined) {
      gauge = this.#instruments.gauge('spanweir_component_healthy', { component: key });
      this.#gauges.set(key, gauge);
    }
    gauge.set(status === 'ok' ? 1 : 0);
  }

  reporter(key: string, part = 'main'): HealthReporter {
    return { report: (status, reason) => this.report(key, part, status, reason) };
  }

  components(): ComponentHealth[] {
    return [...this.#components]
      .filter(([, { parts }]) => parts.size > 0)
      .map(([key, { groups, parts }]) => ({ key, groups, ...worst(parts.values()) }));
  }

  overall(): PartHealth {
    return worst(this.components());
  }
}

/** The worst of the parts; among equals the one that has felt so for longest. `ok` dates from the last change. */
export function worst(parts: Iterable<PartHealth>): PartHealth {
  let result: PartHealth | undefined;
  for (const part of parts) {
    const order =
      result === undefined ? -1 : WORST_FIRST.indexOf(part.status) - WORST_FIRST.indexOf(result.status);
    const longer = result !== undefined && part.sinceMs < result.sinceMs === (part.status !== 'ok');
    if (order < 0 || (order === 0 && longer)) result = part;
  }
  return result === undefined
    ? { status: 'ok', reason: '', sinceMs: 0 }
    : { status: result.status, reason: result.reason, sinceMs: result.sinceMs };
}
