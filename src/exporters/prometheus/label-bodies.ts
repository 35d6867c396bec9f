/** Labels of many series as bytes, in one buffer; each may be replaced. */
export class LabelBodies {
  size = 0;
  bytes = Buffer.allocUnsafeSlow(1 << 16);
  /** Where body i begins. */
  at = new Float64Array(1024);
  lengths = new Uint32Array(1024);
  /** The longest body so far. */
  longest = 0;
  #used = 0;
  /** Bytes of bodies that were replaced. */
  #dead = 0;

  lengthOf(id: number): number {
    return this.lengths[id] as number;
  }

  textOf(id: number): string {
    const at = this.at[id] as number;
    return this.bytes.toString('utf8', at, at + (this.lengths[id] as number));
  }

  isEqual(id: number, body: Uint8Array): boolean {
    if (this.lengths[id] !== body.length) return false;
    const at = this.at[id] as number;
    return this.bytes.compare(body, 0, body.length, at, at + body.length) === 0;
  }

  /** As the next one. */
  add(body: string | Buffer): void {
    if (this.size === this.at.length) {
      this.at = grown(this.at);
      const lengths = new Uint32Array(this.lengths.length * 2);
      lengths.set(this.lengths);
      this.lengths = lengths;
    }
    this.#put(this.size++, body);
  }

  replace(id: number, body: string | Buffer): void {
    this.#dead += this.lengths[id] as number;
    this.lengths[id] = 0;
    if (this.#dead > this.bytes.length / 2) this.#compact();
    this.#put(id, body);
  }

  #put(id: number, body: string | Buffer): void {
    const length = Buffer.byteLength(body);
    const from = this.#used;
    if (from + length > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow((from + length) * 2);
      larger.set(this.bytes.subarray(0, from));
      this.bytes = larger;
    }
    if (typeof body === 'string') this.bytes.write(body, from);
    else this.bytes.set(body, from);
    this.at[id] = from;
    this.lengths[id] = length;
    this.#used = from + length;
    if (length > this.longest) this.longest = length;
  }

  #compact(): void {
    const packed = Buffer.allocUnsafeSlow(this.bytes.length);
    let used = 0;
    for (let id = 0; id < this.size; id++) {
      const from = this.at[id] as number;
      this.at[id] = used;
      used += this.bytes.copy(packed, used, from, from + (this.lengths[id] as number));
    }
    this.bytes = packed;
    this.#used = used;
    this.#dead = 0;
  }
}

export function grown(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.max(1024, column.length * 2));
  larger.set(column);
  return larger;
}
