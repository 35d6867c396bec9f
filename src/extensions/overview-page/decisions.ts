import type { StandingDecision } from '../../sampling/adaptive-control.ts';

/** What the page needs of the sampling extension; it is found by id, so its shape is checked. */
export interface DecisionSource {
  decisions(): Iterable<StandingDecision>;
}

export function isDecisionSource(peer: unknown): peer is DecisionSource {
  return (
    typeof peer === 'object' && peer !== null && 'decisions' in peer && typeof peer.decisions === 'function'
  );
}

const HISTORY = 60;

export interface ServedOperation {
  readonly decision: StandingDecision;
  /** Served probabilities at the last ticks, oldest first. */
  readonly history: readonly number[];
}

/** The newest decision of every operation, and how its probability moved. */
export class DecisionHistory {
  #byOperation = new Map<string, { decision: StandingDecision; history: number[] }>();

  /** One more point for every operation; operations without a decision any more are forgotten. */
  tick(source: DecisionSource): void {
    this.#take(source, true);
  }

  /** What is served now, without a new point. */
  refresh(source: DecisionSource): void {
    this.#take(source, false);
  }

  #take(source: DecisionSource, isNewPoint: boolean): void {
    const next = new Map<string, { decision: StandingDecision; history: number[] }>();
    for (const decision of source.decisions()) {
      const key = keyOf(decision.service, decision.operation);
      const history = this.#byOperation.get(key)?.history ?? [];
      if (!isNewPoint) history.pop();
      history.push(decision.probability);
      if (history.length > HISTORY) history.shift();
      next.set(key, { decision, history });
    }
    this.#byOperation = next;
  }

  get size(): number {
    return this.#byOperation.size;
  }

  of(service: string, operation: string): ServedOperation | undefined {
    return this.#byOperation.get(keyOf(service, operation));
  }
}

function keyOf(service: string, operation: string): string {
  return `${service}\u0000${operation}`;
}

/** Why the probability is what it is, in one sentence with the numbers that led to it. */
export function explain({ reason, qps, target, probability, previous, inputs }: StandingDecision): string {
  const rate = `${number(qps)}/s sampled`;
  const aim = `target ${number(target)}/s`;
  const moved = `${number(previous)} → ${number(probability)}`;
  const tolerance = inputs === undefined ? '' : `${number(inputs.tolerance * 100)} % of `;
  const sentences: Record<StandingDecision['reason'], string> = {
    within_tolerance: `Kept: ${rate} is within ${tolerance}the ${aim}.`,
    raised: `Raised ${moved}: ${rate} is below the ${aim}.`,
    raised_capped: `Raised ${moved}, the most that one step may: ${rate} is far below the ${aim}.`,
    lowered: `Lowered ${moved}: ${rate} is above the ${aim}.`,
    no_traffic_doubled: `Doubled ${moved}: no sampled root span was seen lately.`,
    not_using: `Kept: no root span sampled with the last value has been seen yet (${rate}, ${aim}).`,
    floor: `At the lowest allowed value: ${rate} is still above the ${aim}.`,
    stored: `Taken over from before the restart; ${rate} then, ${aim}.`,
    ceiling: `Everything is sampled: ${rate} does not exceed the ${aim}.`,
  };
  return sentences[reason] ?? reason;
}

function number(value: number): string {
  if (value === 0) return '0';
  return String(Number(value.toPrecision(3)));
}
