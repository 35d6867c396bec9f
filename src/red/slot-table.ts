const STRIDE = 3;

/** From three ids to a fourth: open addressing, at most half full. */
export class SlotTable {
  /** Per entry its three ids. */
  #ids = new Uint32Array(512 * STRIDE);
  /** Per entry what they lead to. */
  #values = new Uint32Array(512);
  #entries = 0;
  /** Entry + 1, 0 = free. */
  #slots = new Uint32Array(1024);

  /** -1: it is not there. */
  find(a: number, b: number, c: number): number {
    const ids = this.#ids;
    const mask = this.#slots.length - 1;
    let slot = hashIds(a, b, c) & mask;
    for (;;) {
      const entry = (this.#slots[slot] as number) - 1;
      if (entry < 0) return -1;
      const at = entry * STRIDE;
      if (ids[at] === a && ids[at + 1] === b && ids[at + 2] === c) return this.#values[entry] as number;
      slot = (slot + 1) & mask;
    }
  }

  /** Of ids that are not there yet. */
  put(value: number, a: number, b: number, c: number): void {
    const entry = this.#entries++;
    if (entry === this.#values.length) {
      this.#ids = grown(this.#ids);
      this.#values = grown(this.#values);
    }
    this.#ids[entry * STRIDE] = a;
    this.#ids[entry * STRIDE + 1] = b;
    this.#ids[entry * STRIDE + 2] = c;
    this.#values[entry] = value;
    if (this.#entries * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
    else this.#slot(entry);
  }

  /** Takes out what `isKept` says no to. */
  keep(isKept: (value: number) => boolean): void {
    let kept = 0;
    for (let entry = 0; entry < this.#entries; entry++) {
      if (!isKept(this.#values[entry] as number)) continue;
      this.#values[kept] = this.#values[entry] as number;
      this.#ids.copyWithin(kept * STRIDE, entry * STRIDE, (entry + 1) * STRIDE);
      kept++;
    }
    this.#entries = kept;
    this.#rehash(this.#slots.length);
  }

  #rehash(length: number): void {
    this.#slots = new Uint32Array(length);
    for (let entry = 0; entry < this.#entries; entry++) this.#slot(entry);
  }

  #slot(entry: number): void {
    const at = entry * STRIDE;
    const mask = this.#slots.length - 1;
    let slot =
      hashIds(this.#ids[at] as number, this.#ids[at + 1] as number, this.#ids[at + 2] as number) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }
}

function grown(column: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(column.length * 2);
  larger.set(column);
  return larger;
}

/** Mixes so that the low bits, which pick a slot, depend on every id. */
function hashIds(a: number, b: number, c: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
