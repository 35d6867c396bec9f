import { HALF, type HalfEdges, KEY_WORDS } from './half-edges.ts';

const FIRST_CAPACITY = 1024;
/** In `state`: it takes up room until all that is older has gone. Any other state is the owner's. */
export const GONE = 0;

export interface NewHalf {
  readonly party: number;
  readonly peer: number;
  readonly nowMs: number;
}

/**
 * Half edges as columns, in a ring in the order in which they came, with a hash table over their keys. A place in
 * the ring is good until the next `push`.
 */
export class HalfRing {
  keys = new Uint32Array(FIRST_CAPACITY * KEY_WORDS);
  party = new Uint32Array(FIRST_CAPACITY);
  peer = new Uint32Array(FIRST_CAPACITY);
  durationNs = new Float64Array(FIRST_CAPACITY);
  weight = new Float64Array(FIRST_CAPACITY);
  flags = new Uint8Array(FIRST_CAPACITY);
  state = new Uint8Array(FIRST_CAPACITY);
  bornMs = new Float64Array(FIRST_CAPACITY);
  /** Place of the oldest. */
  first = 0;
  /** How many there are, with those that are gone. */
  used = 0;
  readonly #seed: number;
  #capacity = FIRST_CAPACITY;
  /** Place + 1 of a chain's newest half; 0 = none. */
  #heads = new Uint32Array(FIRST_CAPACITY * 2);
  /** Place + 1 of the next older half of the chain. */
  #next = new Uint32Array(FIRST_CAPACITY);

  /** `seed`: 32 bits that whoever makes trace ids can't know. */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Its place; the state is the caller's to set, and not GONE. */
  push(halves: HalfEdges, i: number, { party, peer, nowMs }: NewHalf): number {
    if (this.used === this.#capacity) this.#grow();
    const at = (this.first + this.used++) % this.#capacity;
    for (let w = 0; w < KEY_WORDS; w++) {
      this.keys[at * KEY_WORDS + w] = halves.keys[i * KEY_WORDS + w] as number;
    }
    this.party[at] = party;
    this.peer[at] = peer;
    this.durationNs[at] = halves.durationNs[i] as number;
    this.weight[at] = halves.weight[i] as number;
    this.flags[at] = halves.flags[i] as number;
    this.bornMs[at] = nowMs;
    this.#link(at);
    return at;
  }

  /** The oldest one's place is free again; it has been unlinked. */
  shift(): void {
    this.first = (this.first + 1) % this.#capacity;
    this.used--;
  }

  /** The place of a half of this side (0 or HALF.server) with the key at `keys[from]`; -1 = none. */
  find(keys: Uint32Array, from: number, side: number): number {
    for (let next = this.#heads[this.#hash(keys, from)] as number; next > 0; ) {
      const at = next - 1;
      if (((this.flags[at] as number) & HALF.server) === side && this.#isKey(at, keys, from)) return at;
      next = this.#next[at] as number;
    }
    return -1;
  }

  /** It is not found any more. */
  unlink(at: number): void {
    const next = this.#next;
    const slot = this.#hash(this.keys, at * KEY_WORDS);
    let here = this.#heads[slot] as number;
    if (here === at + 1) {
      this.#heads[slot] = next[at] as number;
      return;
    }
    while (next[here - 1] !== at + 1) here = next[here - 1] as number;
    next[here - 1] = next[at] as number;
  }

  #link(at: number): void {
    const slot = this.#hash(this.keys, at * KEY_WORDS);
    this.#next[at] = this.#heads[slot] as number;
    this.#heads[slot] = at + 1;
  }

  #isKey(at: number, keys: Uint32Array, from: number): boolean {
    const own = this.keys;
    const to = at * KEY_WORDS;
    for (let w = 0; w < KEY_WORDS; w++) if (own[to + w] !== keys[from + w]) return false;
    return true;
  }

  #hash(keys: Uint32Array, from: number): number {
    let hash = this.#seed;
    for (let w = 0; w < KEY_WORDS; w++) {
      hash = Math.imul(hash ^ (keys[from + w] as number), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0x85ebca6b);
    return (hash ^ (hash >>> 13)) & (this.#heads.length - 1);
  }

  #grow(): void {
    const size = this.#capacity * 2;
    const { first } = this;
    const moved = <T extends Uint32Array | Float64Array | Uint8Array>(into: T, from: T, width = 1): T => {
      into.set(from.subarray(first * width));
      into.set(from.subarray(0, first * width), from.length - first * width);
      return into;
    };
    this.keys = moved(new Uint32Array(size * KEY_WORDS), this.keys, KEY_WORDS);
    this.party = moved(new Uint32Array(size), this.party);
    this.peer = moved(new Uint32Array(size), this.peer);
    this.durationNs = moved(new Float64Array(size), this.durationNs);
    this.weight = moved(new Float64Array(size), this.weight);
    this.flags = moved(new Uint8Array(size), this.flags);
    this.state = moved(new Uint8Array(size), this.state);
    this.bornMs = moved(new Float64Array(size), this.bornMs);
    this.first = 0;
    this.#capacity = size;
    this.#next = new Uint32Array(size);
    this.#heads = new Uint32Array(size * 2);
    for (let at = 0; at < this.used; at++) if (this.state[at] !== GONE) this.#link(at);
  }
}
