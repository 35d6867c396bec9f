import { OVERFLOW_WORD } from '../span/dictionary.ts';
import { Interner } from '../span/interner.ts';
import type { Party } from './half-edges.ts';

/** Names and values together, and parties made of them. */
const MOST_WORDS = 65_536;
const MOST_PARTIES = 65_536;

/** Dense ids for parties; bounded. What does not fit is the party OVERFLOWED, and so are its values. */
export class PartyTable {
  static readonly OVERFLOWED = 0;
  readonly parties: Party[];
  readonly #words = new Interner(MOST_WORDS);
  readonly #tuples = new Interner(MOST_PARTIES);
  readonly #dimensions: number;
  /** The name's word and one per dimension. */
  readonly #key: Uint32Array;
  readonly #keyBytes: Uint8Array;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
    // A word of its own in front tells services from other names, so that no tuple is empty.
    this.#key = new Uint32Array(dimensions + 2);
    this.#keyBytes = new Uint8Array(this.#key.buffer);
    this.parties = [{ name: OVERFLOW_WORD, dimensions: [] }];
  }

  word(bytes: Uint8Array, at: number, length: number): number {
    return this.#words.intern(bytes, at, length);
  }

  wordOf(text: string): number {
    return this.#words.internString(text);
  }

  /** `dimensions`: words, as many as there are dimensions, from `at` on. */
  service(name: number, dimensions: Uint32Array, at = 0): number {
    this.#key[0] = 1;
    this.#key[1] = name;
    for (let d = 0; d < this.#dimensions; d++) this.#key[d + 2] = dimensions[at + d] as number;
    return this.#idOf();
  }

  /** A database or a peer. */
  other(name: number): number {
    this.#key.fill(0);
    this.#key[0] = 2;
    this.#key[1] = name;
    return this.#idOf();
  }

  #idOf(): number {
    const tuple = this.#tuples.intern(this.#keyBytes, 0, this.#keyBytes.length);
    if (tuple === Interner.OVERFLOW) return PartyTable.OVERFLOWED;
    const id = tuple - 1;
    if (id === this.parties.length) this.parties.push(this.#party());
    return id;
  }

  #party(): Party {
    const words = [...this.#key].map((word) =>
      word === Interner.OVERFLOW ? OVERFLOW_WORD : (this.#words.words[word] as string),
    );
    const isService = this.#key[0] === 1;
    return { name: words[1] as string, dimensions: isService ? words.slice(2) : [] };
  }
}
