import type { AttributeCursor } from '../span/attributes.ts';
import { Interner } from '../span/interner.ts';
import type { DimensionGlob } from './dimension-glob.ts';
import { type TupleKey, ValueBytes } from './dimension-values.ts';

/** Attribute keys that are remembered; a span with a matching one beyond that is counted as overflow. */
const MAX_KEYS = 65_536;

/** Attribute keys, and which of them match a pattern: each is looked at once. */
export class GlobKeys {
  readonly #globs: readonly DimensionGlob[];
  readonly #keys = new Interner(MAX_KEYS);
  /** Per key id; undefined for OVERFLOW, which is no one key. */
  readonly #isMatch: (boolean | undefined)[];
  #order: { readonly key: number; readonly value: ValueBytes }[] = [];

  constructor(globs: readonly DimensionGlob[]) {
    this.#globs = globs;
    this.#isMatch = [this.#matches(''), undefined];
  }

  /** The id of the cursor's key when it matches, Interner.OVERFLOW when it does and has no id, else -1. */
  idOf(cursor: AttributeCursor): number {
    const id = this.#keys.intern(cursor.bytes, cursor.keyAt, cursor.keyLength);
    let isMatch = this.#isMatch[id];
    if (isMatch === undefined) {
      const { bytes, keyAt, keyLength } = cursor;
      isMatch = this.#matches(Buffer.from(bytes.buffer, bytes.byteOffset + keyAt, keyLength).toString());
      if (id !== Interner.OVERFLOW) this.#isMatch[id] = isMatch;
    }
    return isMatch ? id : -1;
  }

  /**
   * Appends keys and values, of each key that of the first source that has it, in an order that does not
   * depend on the sources' order. False when there are keys without an id.
   */
  append(key: TupleKey, arena: Buffer, sources: readonly (ExtraValues | undefined)[]): boolean {
    const order = this.#order;
    order.length = 0;
    for (const source of sources) {
      if (source === undefined) continue;
      if (source.overflowed) return false;
      source.collect(order);
    }
    order.sort((a, b) => a.key - b.key);
    for (const one of order) {
      key.appendNumber(one.key);
      key.append(arena, one.value);
    }
    return true;
  }

  /** Names and values of the rest of the key, sorted by name; undefined when there are none. */
  decode(key: TupleKey): [string, string][] | undefined {
    const extra: [string, string][] = [];
    while (!key.isAtEnd) {
      const name = this.#keys.words[key.nextNumber()] ?? '';
      extra.push([name, key.next() ?? '']);
    }
    return extra.length === 0 ? undefined : extra.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #matches(key: string): boolean {
    return this.#globs.some((glob) => glob.matches(key));
  }
}

/** Attributes of one message that match a pattern. */
export class ExtraValues {
  overflowed = false;
  readonly #globs: GlobKeys;
  #count = 0;
  readonly #found: { key: number; readonly value: ValueBytes }[] = [];

  constructor(globs: GlobKeys) {
    this.#globs = globs;
  }

  clear(): void {
    this.#count = 0;
    this.overflowed = false;
  }

  /** Takes the attribute that the cursor stands on if its key matches; of a key that comes twice the first. */
  offer(cursor: AttributeCursor): void {
    const key = this.#globs.idOf(cursor);
    if (key < 0) return;
    if (key === Interner.OVERFLOW) {
      this.overflowed = true;
      return;
    }
    for (let i = 0; i < this.#count; i++) if (this.#found[i]?.key === key) return;
    let slot = this.#found[this.#count];
    if (slot === undefined) {
      slot = { key, value: new ValueBytes() };
      this.#found.push(slot);
    }
    this.#count++;
    slot.key = key;
    slot.value.take(cursor);
  }

  /** Adds what is not there yet. */
  collect(into: { readonly key: number; readonly value: ValueBytes }[]): void {
    for (let i = 0; i < this.#count; i++) {
      const own = this.#found[i] as { key: number; value: ValueBytes };
      if (!into.some(({ key }) => key === own.key)) into.push(own);
    }
  }
}
