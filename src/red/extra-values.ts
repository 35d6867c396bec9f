import type { AttributeCursor } from '../span/attributes.ts';
import { Interner } from '../span/interner.ts';
import type { DimensionGlob } from './dimension-glob.ts';
import { type TupleKey, ValueBytes } from './dimension-values.ts';

/** Attribute keys that are remembered; what comes later is looked at anew each time. */
const MAX_KEYS = 65_536;
const NO_MATCH = -1;

interface Found {
  /** Id of the attribute key; Interner.OVERFLOW for one that has none. */
  key: number;
  /** The key where it has no id. */
  name: string;
  readonly value: ValueBytes;
}

/** Attribute keys, and which of them match a pattern. */
export class GlobKeys {
  readonly #globs: readonly DimensionGlob[];
  readonly #keys: Interner;
  /** Per key id; undefined for OVERFLOW, which is no one key. */
  readonly #isMatch: (boolean | undefined)[];
  readonly #order: Found[] = [];

  constructor(globs: readonly DimensionGlob[], maxKeys = MAX_KEYS) {
    this.#globs = globs;
    this.#keys = new Interner(maxKeys);
    this.#isMatch = [this.#matches(''), undefined];
  }

  /** The id of the cursor's key when it matches, which may be Interner.OVERFLOW; else -1. */
  idOf(cursor: AttributeCursor): number {
    const id = this.#keys.intern(cursor.bytes, cursor.keyAt, cursor.keyLength);
    let isMatch = this.#isMatch[id];
    if (isMatch === undefined) {
      isMatch = this.#matches(keyOf(cursor));
      if (id !== Interner.OVERFLOW) this.#isMatch[id] = isMatch;
    }
    return isMatch ? id : NO_MATCH;
  }

  /**
   * Appends keys and values, of each key that of the first source that has it, in an order that does not
   * depend on the sources' order.
   */
  append(key: TupleKey, arena: Buffer, sources: readonly (ExtraValues | undefined)[]): void {
    const order = this.#order;
    order.length = 0;
    for (const source of sources) source?.collect(order);
    order.sort(byKey);
    for (const one of order) {
      key.appendNumber(one.key);
      if (one.key === Interner.OVERFLOW) key.appendText(Buffer.from(one.name));
      key.append(arena, one.value);
    }
  }

  /** Names and values of the rest of the key, sorted by name; undefined when there are none. */
  decode(key: TupleKey): [string, string][] | undefined {
    const extra: [string, string][] = [];
    while (!key.isAtEnd) {
      const id = key.nextNumber();
      const name = id === Interner.OVERFLOW ? key.next() : this.#keys.words[id];
      extra.push([name ?? '', key.next() ?? '']);
    }
    return extra.length === 0 ? undefined : extra.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #matches(key: string): boolean {
    return this.#globs.some((glob) => glob.matches(key));
  }
}

/** Attributes of one message that match a pattern. */
export class ExtraValues {
  readonly #globs: GlobKeys;
  #count = 0;
  readonly #found: Found[] = [];

  constructor(globs: GlobKeys) {
    this.#globs = globs;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Takes the attribute that the cursor stands on if its key matches; of a key that comes twice the first. */
  offer(cursor: AttributeCursor): void {
    const key = this.#globs.idOf(cursor);
    if (key === NO_MATCH) return;
    const name = key === Interner.OVERFLOW ? keyOf(cursor) : '';
    for (let i = 0; i < this.#count; i++) if (isSame(this.#found[i] as Found, key, name)) return;
    let slot = this.#found[this.#count];
    if (slot === undefined) {
      slot = { key, name, value: new ValueBytes() };
      this.#found.push(slot);
    }
    this.#count++;
    slot.key = key;
    slot.name = name;
    slot.value.take(cursor);
  }

  /** Adds what is not there yet. */
  collect(into: Found[]): void {
    const before = into.length;
    for (let i = 0; i < this.#count; i++) {
      const own = this.#found[i] as Found;
      let isThere = false;
      for (let j = 0; j < before; j++) isThere ||= isSame(into[j] as Found, own.key, own.name);
      if (!isThere) into.push(own);
    }
  }
}

function keyOf({ bytes, keyAt, keyLength }: AttributeCursor): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + keyAt, keyLength).toString();
}

function isSame(found: Found, key: number, name: string): boolean {
  return found.key === key && (key !== Interner.OVERFLOW || found.name === name);
}

function byKey(a: Found, b: Found): number {
  return a.key - b.key || (a.name < b.name ? -1 : 1);
}
