import type { Block } from '../flow/block.ts';
import type { BlockSink, RedConnector } from '../flow/lane.ts';
import { DeltaFolder } from '../red/fold-windows.ts';
import type { RedDelta } from '../red/red-rows.ts';

/**
 * Sends what a block added to the series to the main thread, once its commit is acknowledged and not before:
 * so no block is counted by two processes.
 */
export function createRedTap(
  connectors: ReadonlyMap<string, RedConnector>,
  send: (connector: string, delta: RedDelta) => void,
): BlockSink {
  const folders = new Map([...connectors].map(([id, { series }]) => [id, new DeltaFolder(series)]));
  return {
    id: 'spanweir.red',
    durable: false,
    blockWish: { spans: 0, lingerMs: 0 },
    start: async () => {},
    stop: async () => {},
    write: async () => {},
    committed(block: Block) {
      for (const [id, folder] of folders) {
        const rows = block.red.get(id);
        if (rows !== undefined && rows.rows > 0) send(id, folder.fold(rows));
      }
    },
  };
}
