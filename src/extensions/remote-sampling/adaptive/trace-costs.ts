import type { Clock } from '../../../base/clock.ts';
import type { TraceCost } from '../../../sampling/adaptive/controller.ts';
import type { SamplingStore } from '../../../sampling/store/store.ts';

type Costs = ReadonlyMap<string, ReadonlyMap<string, TraceCost>>;

const OVER_MS = 600_000;
const EVERY_MS = 60_000;
/** What is that young may still be on its way. */
const SLACK_MS = 30_000;

/** What traces cost, by the last ten minutes; asked for once a minute, since it reads many spans. */
export function traceCosts(store: Pick<SamplingStore, 'traceCosts'>, clock: Clock): () => Promise<Costs> {
  let known: Promise<Costs> | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.wallMs();
    if (known !== undefined && nowMs - askedMs < EVERY_MS) return known;
    askedMs = nowMs;
    const endMs = nowMs - SLACK_MS;
    known = store.traceCosts(endMs - OVER_MS, endMs);
    // What failed is asked again at the next round.
    known.catch(() => {
      askedMs = Number.NEGATIVE_INFINITY;
    });
    return known;
  };
}
