import type { EngineSettings } from '../config/loaded-config.ts';
import type { BlockLimits } from '../flow/intake-shared.ts';
import type { BlockSink } from '../flow/lane.ts';

/** Of a block whose sinks do not care: enough for what a block costs to be shared by many spans. */
const USUAL_SPANS = 10_000;

/** The largest wish of the sinks, within what the settings allow; a wish of 0 spans is none. */
export function blockLimits(
  settings: EngineSettings['block'],
  sinks: readonly Pick<BlockSink, 'blockWish'>[],
): BlockLimits {
  const wish = (of: 'spans' | 'lingerMs'): number =>
    Math.max(0, ...sinks.map(({ blockWish }) => blockWish[of]));
  return {
    maxSpans: Math.min(settings.maxSpans, wish('spans') || USUAL_SPANS),
    maxBytes: settings.maxBytes,
    lingerMs: Math.min(settings.lingerMs, wish('lingerMs')),
  };
}
