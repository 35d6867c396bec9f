import type { PollersState } from '../../sampling/pollers/pollers-state.ts';
import type { ControlMode, DecidedOperation } from '../../sampling/store/store.ts';

/** What the page needs of the sampling extension; it is found by id, so its shape is checked. */
export interface DecisionSource {
  decisions(): Iterable<DecidedOperation>;
  /** With `observe` nothing of what is decided is served. */
  mode?(): ControlMode | undefined;
  pollers?(): PollersState;
}

export function isDecisionSource(peer: unknown): peer is DecisionSource {
  return (
    typeof peer === 'object' && peer !== null && 'decisions' in peer && typeof peer.decisions === 'function'
  );
}

const HISTORY = 60;

export interface ServedOperation {
  readonly decision: DecidedOperation;
  readonly served: number;
  /** What would be served if it were not only observed; null where that is served. */
  readonly planned: number | null;
  /** Served probabilities at the last ticks, oldest first. */
  readonly history: readonly number[];
}

/** The newest decision of every operation, and how its probability moved. */
export class DecisionHistory {
  #byOperation = new Map<string, ServedOperation>();

  /** One more point for every operation; operations without a decision any more are forgotten. */
  tick(source: DecisionSource): void {
    this.#take(source, true);
  }

  /** What is served now, without a new point. */
  refresh(source: DecisionSource): void {
    this.#take(source, false);
  }

  #take(source: DecisionSource, isNewPoint: boolean): void {
    const next = new Map<string, ServedOperation>();
    const isObserved = source.mode?.() === 'observe';
    for (const decision of source.decisions()) {
      const key = keyOf(decision.service, decision.operation);
      const history = [...(this.#byOperation.get(key)?.history ?? [])];
      const served = isObserved ? decision.previous : decision.probability;
      const planned = isObserved ? decision.probability : null;
      if (!isNewPoint) history.pop();
      history.push(served);
      if (history.length > HISTORY) history.shift();
      next.set(key, { decision, served, planned, history });
    }
    this.#byOperation = next;
  }

  get size(): number {
    return this.#byOperation.size;
  }

  get all(): Iterable<ServedOperation> {
    return this.#byOperation.values();
  }

  of(service: string, operation: string): ServedOperation | undefined {
    return this.#byOperation.get(keyOf(service, operation));
  }
}

function keyOf(service: string, operation: string): string {
  return `${service}\u0000${operation}`;
}
