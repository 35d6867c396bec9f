import { ATTRIBUTES_OF } from '../../span/attributes.ts';
import { EventCursor } from '../../span/event-cursors.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import { LOW_CARDINALITY, Offsets, WordColumn, writeHalves } from './columns.ts';
import { AttributeColumn } from './map-column.ts';
import { type NativeBuffer, widened } from './native-buffer.ts';

/** Events.Timestamp, Events.Name, Events.Attributes: three arrays of equal lengths per span. */
export class EventColumns {
  readonly #events = new EventCursor();
  readonly #offsets = new Offsets();
  readonly #names = new WordColumn();
  readonly #attributes = new AttributeColumn();
  #timeLo = new Uint32Array(64);
  #timeHi = new Uint32Array(64);
  #count = 0;

  collect(batch: SpanBatch): void {
    this.#count = 0;
    this.#offsets.reset();
    this.#names.reset();
    this.#attributes.reset();
    const { arena, eventsAt, eventsEnd, spans, view } = batch;
    for (let i = 0; i < spans; i++) {
      const end = eventsEnd[i] as number;
      if (end !== 0) this.#collectSpan(arena, view, eventsAt[i] as number, end);
      this.#offsets.push(this.#count);
    }
  }

  #collectSpan(arena: Uint8Array, view: DataView, at: number, end: number): void {
    const events = this.#events;
    events.reset(arena, at, end);
    while (events.next()) {
      const row = this.#count++;
      if (row >= this.#timeLo.length) {
        this.#timeLo = widened(this.#timeLo, row + 1);
        this.#timeHi = widened(this.#timeHi, row + 1);
      }
      this.#timeLo[row] = events.timeLo;
      this.#timeHi[row] = events.timeHi;
      this.#names.push(this.#names.words.internView(view, events.nameAt, events.nameLength));
      this.#attributes.addAll(arena, events.messageAt, events.messageEnd, ATTRIBUTES_OF.event, view);
      this.#attributes.endRow();
    }
  }

  write(out: NativeBuffer): void {
    out.column('Events.Timestamp', 'Array(DateTime64(9))');
    this.#offsets.writeData(out);
    writeHalves(out, this.#timeLo, this.#timeHi, this.#count);
    out.column('Events.Name', `Array(${LOW_CARDINALITY})`);
    this.#names.writePrefix(out);
    this.#offsets.writeData(out);
    this.#names.writeData(out);
    this.#attributes.writeArray(out, 'Events.Attributes', this.#offsets);
  }
}
