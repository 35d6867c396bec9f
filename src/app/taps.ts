import type { Block } from '../flow/block.ts';
import type { BlockSink } from '../flow/lane.ts';
import type { DeltaFolder } from '../red/fold-windows.ts';
import type { RedDelta } from '../red/red-rows.ts';
import type { ThroughputRows } from '../sampling/roots/throughput-rows.ts';

/**
 * A sink that writes nothing and only looks at blocks whose commit is acknowledged: what it tells the main
 * thread is counted by one process only.
 */
export function createTap(id: string, committed: (block: Block) => void): BlockSink {
  return {
    id,
    durable: false,
    effectOnce: false,
    blockWish: { spans: 0, lingerMs: 0 },
    start: async () => {},
    stop: async () => {},
    write: async () => {},
    committed,
  };
}

/** What a block adds to the cumulative series, per connector. */
export function createRedTap(
  folders: ReadonlyMap<string, DeltaFolder>,
  send: (connector: string, delta: RedDelta) => void,
): BlockSink {
  return createTap('spanweir.red', (block) => {
    for (const [id, folder] of folders) {
      const rows = block.red.get(id);
      if (rows !== undefined && rows.rows > 0) send(id, folder.fold(rows));
    }
  });
}

/** Throughput rows for a sampling store that lives in the main thread's memory. */
export function createThroughputTap(send: (rows: ThroughputRows) => void): BlockSink {
  return createTap('spanweir.throughput', ({ throughput }) => {
    if (throughput !== undefined && throughput.length > 0) send(throughput);
  });
}
