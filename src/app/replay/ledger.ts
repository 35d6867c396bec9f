import type { BlockPart } from '../../clickhouse/block-parts.ts';
import type { KafkaOrigin } from '../../flow/block.ts';

type Place = 'there' | 'not known';

interface Entry {
  readonly key: string;
  readonly place: Place;
  readonly spans: number;
}

/**
 * Spans of blocks without a log, by the partition of a table that they are in or may be in. What a table has beyond
 * its log has to be just these.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry[]>();
  readonly #sums = new Map<string, number>();

  add(origin: KafkaOrigin, part: BlockPart, place: Place, spans: number): void {
    const entry = { key: keyOf(part, place), place, spans };
    this.#entries.set(nameOf(origin), [...(this.#entries.get(nameOf(origin)) ?? []), entry]);
    this.#sums.set(entry.key, (this.#sums.get(entry.key) ?? 0) + spans);
  }

  /** The block has its log. */
  settle(origin: KafkaOrigin): void {
    for (const { key, spans } of this.#entries.get(nameOf(origin)) ?? []) {
      this.#sums.set(key, (this.#sums.get(key) ?? 0) - spans);
    }
    this.#entries.delete(nameOf(origin));
  }

  spans(part: BlockPart, place: Place): number {
    return this.#sums.get(keyOf(part, place)) ?? 0;
  }
}

function nameOf({ clusterId, topic, partition, firstOffset, lastOffset }: KafkaOrigin): string {
  return `${clusterId}/${topic}:${partition}:${firstOffset}-${lastOffset}`;
}

function keyOf({ table, partitionId }: BlockPart, place: Place): string {
  return `${table} ${partitionId} ${place}`;
}
