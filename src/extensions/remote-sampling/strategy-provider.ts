import type { Deadline } from '../../base/component.ts';
import type { StrategySnapshot } from '../../sampling/snapshot.ts';

/** Where strategies come from. */
export interface StrategyProvider {
  /** What is served now; replaced whole. */
  readonly snapshot: StrategySnapshot;
  start(): Promise<void>;
  stop(deadline: Deadline): Promise<void>;
}
