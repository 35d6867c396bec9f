import { textOfValue } from '../span/attribute-text.ts';
import { ATTRIBUTES_OF, AttributeCursor, VALUE } from '../span/attributes.ts';
import { Interner } from '../span/interner.ts';
import type { SpanBatch } from '../span/span-batch.ts';

export interface Dimension {
  /** Key of a span attribute or, when the span has none such, of a resource attribute. */
  readonly name: string;
  /** Value where neither has the attribute; without one the label is left out. */
  readonly default?: string | undefined;
}

const ABSENT = 0xffffffff;
/** Bytes before a value in a tuple's key. */
const PREFIX = 4;

/**
 * The values of the configured dimensions per span, as one dense id per distinct tuple of values. Tuples are
 * kept for the lane's life and bounded; beyond the bound a span gets Interner.OVERFLOW.
 */
export class DimensionReader {
  readonly #dimensions: readonly Dimension[];
  readonly #names: readonly Buffer[];
  readonly #tuples: Interner;
  readonly #values: (readonly (string | null)[])[];
  readonly #cursor = new AttributeCursor();
  #ids = new Uint32Array(1024);
  #key = Buffer.allocUnsafeSlow(1024);
  #keyUsed = 0;
  /** Values of the resource in hand, then of the span in hand; null = absent. */
  readonly #fallback: ValueBytes[];
  readonly #found: ValueBytes[];

  constructor(dimensions: readonly Dimension[], limit: number) {
    this.#dimensions = dimensions;
    this.#names = dimensions.map(({ name }) => Buffer.from(name));
    // Two ids are taken from the start: the empty word and OVERFLOW.
    this.#tuples = new Interner(limit + 2);
    const none = dimensions.map(() => null);
    this.#values = [none, none];
    this.#fallback = dimensions.map(() => new ValueBytes());
    this.#found = dimensions.map(() => new ValueBytes());
  }

  valuesOf(tuple: number): readonly (string | null)[] {
    return this.#values[tuple] ?? (this.#values[Interner.OVERFLOW] as readonly null[]);
  }

  /** The tuple id of every span; valid until the next call. */
  tuplesOf(batch: SpanBatch): Uint32Array {
    const { spans, resource, attributesAt, attributesEnd, arena } = batch;
    if (this.#ids.length < spans) this.#ids = new Uint32Array(spans * 2);
    let resourceInHand = ABSENT;
    for (let i = 0; i < spans; i++) {
      const owner = resource[i] as number;
      if (owner !== resourceInHand) {
        resourceInHand = owner;
        const at = batch.resourceAt[owner] as number;
        this.#read(arena, at, batch.resourceEnd[owner] as number, ATTRIBUTES_OF.resource, this.#fallback);
      }
      this.#read(
        arena,
        attributesAt[i] as number,
        attributesEnd[i] as number,
        ATTRIBUTES_OF.span,
        this.#found,
      );
      this.#ids[i] = this.#idOf(arena);
    }
    return this.#ids;
  }

  #read(arena: Buffer, at: number, end: number, field: number, into: readonly ValueBytes[]): void {
    for (const value of into) value.clear();
    if (at === end) return;
    const cursor = this.#cursor;
    cursor.reset(arena, at, end, field);
    while (cursor.next()) {
      for (let d = 0; d < into.length; d++) {
        const value = into[d] as ValueBytes;
        if (!value.isPresent && cursor.keyIs(this.#names[d] as Buffer)) value.take(cursor);
      }
    }
  }

  #idOf(arena: Buffer): number {
    this.#keyUsed = 0;
    for (let d = 0; d < this.#found.length; d++) {
      const own = this.#found[d] as ValueBytes;
      this.#append(arena, own.isPresent ? own : (this.#fallback[d] as ValueBytes));
    }
    const id = this.#tuples.intern(this.#key, 0, this.#keyUsed);
    if (id === this.#values.length) this.#values.push(this.#decode());
    return id;
  }

  #append(arena: Buffer, value: ValueBytes): void {
    const { length, text } = value;
    const needed = this.#keyUsed + PREFIX + (value.isPresent ? length : 0);
    if (needed > this.#key.length) {
      const larger = Buffer.allocUnsafeSlow(needed * 2);
      larger.set(this.#key.subarray(0, this.#keyUsed));
      this.#key = larger;
    }
    const key = this.#key;
    key.writeUInt32LE(value.isPresent ? length : ABSENT, this.#keyUsed);
    const to = this.#keyUsed + PREFIX;
    if (text !== undefined) key.set(text, to);
    else if (value.isPresent) for (let i = 0; i < length; i++) key[to + i] = arena[value.at + i] as number;
    this.#keyUsed = needed;
  }

  /** The values behind the key just made, defaults filled in. */
  #decode(): (string | null)[] {
    let at = 0;
    return this.#dimensions.map((dimension) => {
      const length = this.#key.readUInt32LE(at);
      at += PREFIX;
      if (length === ABSENT) return dimension.default ?? null;
      at += length;
      return this.#key.toString('utf8', at - length, at);
    });
  }
}

/** One value: a range of the arena, or text of its own for what is no string. */
class ValueBytes {
  isPresent = false;
  at = 0;
  length = 0;
  text: Buffer | undefined = undefined;

  clear(): void {
    this.isPresent = false;
    this.text = undefined;
  }

  take(cursor: AttributeCursor): void {
    this.isPresent = true;
    if (cursor.valueKind === VALUE.string) {
      this.at = cursor.valueAt;
      this.length = cursor.valueLength;
      return;
    }
    this.text = Buffer.from(textOfValue(cursor));
    this.length = this.text.length;
  }
}
