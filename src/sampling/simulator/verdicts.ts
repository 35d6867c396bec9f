import type { Conformance, ControlDecision } from '../adaptive/controller.ts';
import type { ThroughputRow } from '../roots/throughput-rows.ts';

/** A service's conformance was judged anew. */
export interface Verdict {
  readonly timeS: number;
  readonly service: string;
  readonly conformance: Conformance;
  /** Sampled roots of the service that the controller had seen by then. */
  readonly roots: number;
}

/** Keeps every change of what a controller says about services. */
export class Verdicts {
  readonly all: Verdict[] = [];
  readonly #roots = new Map<string, number>();
  readonly #standing = new Map<string, Conformance>();

  /** The controller is about to see these. */
  count(rows: readonly ThroughputRow[]): void {
    for (const { service, sampled } of rows) {
      this.#roots.set(service, (this.#roots.get(service) ?? 0) + sampled.roots);
    }
  }

  look(timeS: number, standing: readonly ControlDecision[]): void {
    const now = new Map<string, Conformance>();
    for (const { service, conformance } of standing) {
      // Where operations differ, the one that stands out is the service's.
      if (!isPlain(conformance) || !now.has(service)) now.set(service, conformance);
    }
    for (const [service, conformance] of now) {
      if ((this.#standing.get(service) ?? 'unknown') === conformance) continue;
      this.#standing.set(service, conformance);
      this.all.push({ timeS, service, conformance, roots: this.#roots.get(service) ?? 0 });
    }
  }
}

function isPlain(conformance: Conformance): boolean {
  return conformance === 'unknown' || conformance === 'follows';
}
