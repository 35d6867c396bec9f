import { ATTRIBUTES_OF } from '../../span/attributes.ts';
import { LinkCursor } from '../../span/event-cursors.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import { Offsets } from './columns.ts';
import { writeHex } from './hex.ts';
import { AttributeColumn } from './map-column.ts';
import { NativeBuffer } from './native-buffer.ts';

/** Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes: four arrays of equal lengths per span. */
export class LinkColumns {
  readonly #links = new LinkCursor();
  readonly #offsets = new Offsets();
  readonly #traceIds = new NativeBuffer(4096);
  readonly #spanIds = new NativeBuffer(4096);
  readonly #traceStates = new NativeBuffer(1024);
  readonly #attributes = new AttributeColumn();
  #count = 0;

  collect(batch: SpanBatch): void {
    this.#count = 0;
    this.#offsets.reset();
    this.#traceIds.reset();
    this.#spanIds.reset();
    this.#traceStates.reset();
    this.#attributes.reset();
    const { arena, linksAt, linksEnd, spans, view } = batch;
    for (let i = 0; i < spans; i++) {
      const end = linksEnd[i] as number;
      if (end !== 0) this.#collectSpan(arena, view, linksAt[i] as number, end);
      this.#offsets.push(this.#count);
    }
  }

  #collectSpan(arena: Uint8Array, view: DataView, at: number, end: number): void {
    const links = this.#links;
    links.reset(arena, at, end);
    while (links.next()) {
      this.#count++;
      writeHex(this.#traceIds, arena, links.traceIdAt, 16);
      writeHex(this.#spanIds, arena, links.spanIdAt, 8);
      this.#traceStates.string(arena, links.traceStateAt, links.traceStateLength);
      this.#attributes.addAll(arena, links.messageAt, links.messageEnd, ATTRIBUTES_OF.link, view);
      this.#attributes.endRow();
    }
  }

  write(out: NativeBuffer): void {
    this.#writeStrings(out, 'Links.TraceId', this.#traceIds);
    this.#writeStrings(out, 'Links.SpanId', this.#spanIds);
    this.#writeStrings(out, 'Links.TraceState', this.#traceStates);
    this.#attributes.writeArray(out, 'Links.Attributes', this.#offsets);
  }

  #writeStrings(out: NativeBuffer, name: string, strings: NativeBuffer): void {
    out.column(name, 'Array(String)');
    this.#offsets.writeData(out);
    out.raw(strings.written());
  }
}
