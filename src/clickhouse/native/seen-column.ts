import type { KafkaOrigin } from '../../flow/block.ts';
import { Offsets } from './columns.ts';
import type { NativeBuffer } from './native-buffer.ts';

const SECONDS_PER_DAY = 86_400;

/** Key of a partition's marker in the column Seen. */
export function seenKey({ clusterId, topic, partition }: KafkaOrigin): string {
  return `${clusterId}/${topic}:${partition}`;
}

/** What the marker says of a block: the offset behind its last record. */
export function blockEnd(origin: KafkaOrigin): number {
  return origin.lastOffset + 1;
}

/**
 * The column Seen of a block's rows: the first row of each day has the marker, all others have nothing. Spans
 * that came in requests leave none.
 */
export class SeenColumn {
  readonly #offsets = new Offsets();
  readonly #days: number[] = [];
  readonly #isMarking: boolean;

  constructor(origin: KafkaOrigin | undefined) {
    this.#isMarking = origin !== undefined;
  }

  /** A row whose window begins at this Unix second. */
  push(windowS: number): void {
    if (this.#isMarking) {
      const day = Math.floor(windowS / SECONDS_PER_DAY);
      if (this.#days.at(-1) !== day && !this.#days.includes(day)) this.#days.push(day);
    }
    this.#offsets.push(this.#days.length);
  }

  write(out: NativeBuffer, origin: KafkaOrigin | undefined): void {
    out.column('Seen', 'Map(String, UInt64)');
    this.#offsets.writeData(out);
    if (origin === undefined) return;
    for (const _ of this.#days) out.text(seenKey(origin));
    for (const _ of this.#days) out.uint64(blockEnd(origin));
  }
}
