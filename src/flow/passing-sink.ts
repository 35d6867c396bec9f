import type { ComponentContext } from '../base/component.ts';
import type { Block } from './block.ts';
import type { BlockSink } from './lane.ts';

/** A sink that keeps nothing: `look` sees every block on its way, and there is nothing to wait for. */
export function createPassingSink(
  { id, health }: Pick<ComponentContext, 'id' | 'health'>,
  look: (block: Block) => void,
): BlockSink {
  return {
    id,
    durable: false,
    effectOnce: false,
    blockWish: { spans: 0, lingerMs: 0 },
    start: async () => health.report('ok'),
    stop: async () => health.report('stopped'),
    write: async (block) => look(block),
  };
}
