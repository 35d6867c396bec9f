import { BodyIndex } from './body-index.ts';

/** Strings of bytes, each kept once. */
export class LabelPieces {
  bytes = Buffer.allocUnsafeSlow(1 << 12);
  /** Where piece i begins, and the one before it ends. */
  at = new Uint32Array(1024);
  #size = 0;
  readonly #ids = new BodyIndex(this);

  /** The id of a piece, made on first sight. */
  idOf(piece: Uint8Array): number {
    const known = this.#ids.find(piece);
    if (known >= 0) return known;
    const id = this.#size++;
    const from = this.at[id] as number;
    const end = from + piece.length;
    if (end > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(end * 2);
      larger.set(this.bytes.subarray(0, from));
      this.bytes = larger;
    }
    this.bytes.set(piece, from);
    if (this.#size === this.at.length) this.at = doubled(this.at);
    this.at[this.#size] = end;
    this.#ids.put(id, piece);
    return id;
  }

  isEqual(id: number, piece: Uint8Array): boolean {
    const from = this.at[id] as number;
    const end = this.at[id + 1] as number;
    return end - from === piece.length && this.bytes.compare(piece, 0, piece.length, from, end) === 0;
  }
}

export function doubled(column: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(column.length * 2);
  larger.set(column);
  return larger;
}
