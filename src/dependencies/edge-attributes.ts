import { textOfValue } from '../span/attribute-text.ts';
import { type ATTRIBUTES_OF, AttributeCursor, KeySet, VALUE } from '../span/attributes.ts';
import { Interner } from '../span/interner.ts';
import type { PartyTable } from './party-table.ts';

type Field = (typeof ATTRIBUTES_OF)[keyof typeof ATTRIBUTES_OF];

/** Reads some attributes of a span or resource in one pass: the word of each key's first value, 0 = none. */
export class EdgeAttributes {
  readonly words: Uint32Array;
  readonly #keys: readonly Buffer[];
  readonly #set: KeySet;
  readonly #table: PartyTable;
  readonly #cursor = new AttributeCursor();

  constructor(keys: readonly string[], table: PartyTable) {
    this.#keys = keys.map((key) => Buffer.from(key));
    this.#set = new KeySet(this.#keys);
    this.#table = table;
    this.words = new Uint32Array(keys.length);
  }

  read(arena: Buffer, at: number, end: number, field: Field): void {
    const { words } = this;
    const keys = this.#keys;
    words.fill(0);
    if (at === end || keys.length === 0) return;
    const cursor = this.#cursor;
    cursor.reset(arena, at, end, field);
    while (cursor.findSome(this.#set)) {
      for (let k = 0; k < keys.length; k++) {
        if (words[k] === 0 && cursor.keyIs(keys[k] as Buffer)) words[k] = this.#word(arena);
      }
    }
  }

  /** The first of the keys in [from, to) that has a value, in the order of the keys; 0 = none. */
  first(from: number, to: number): number {
    for (let k = from; k < to; k++) if (this.words[k] !== Interner.EMPTY) return this.words[k] as number;
    return Interner.EMPTY;
  }

  #word(arena: Buffer): number {
    const { valueKind, valueAt, valueLength } = this.#cursor;
    if (valueKind === VALUE.string) return this.#table.word(arena, valueAt, valueLength);
    return this.#table.wordOf(textOfValue(this.#cursor));
  }
}
