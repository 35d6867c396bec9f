import type { Deadline } from '../../base/component.ts';
import type { StrategySnapshot } from '../../sampling/strategies/snapshot.ts';
import type { Strategy } from '../../sampling/strategies/strategy.ts';

/** Where strategies come from. */
export interface StrategyProvider {
  /** What is served now; replaced whole. @throws SpanweirError UNAVAILABLE while nothing is known. */
  readonly snapshot: StrategySnapshot;
  /** Of one that does not know all services beforehand: asked instead of the snapshot. May reject. */
  readonly strategyOf?: (service: string) => Strategy | Promise<Strategy>;
  start(): Promise<void>;
  stop(deadline: Deadline): Promise<void>;
}
