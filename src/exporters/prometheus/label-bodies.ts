import { doubled, LabelPieces } from './label-pieces.ts';

/** Of a piece: it is the last one of its body. */
const LAST = 0x8000_0000;
const [QUOTE, COMMA, PAIR] = [0x22, 0x2c, 0x0a] as const;
/** Bodies that are replaced before pieces that nobody needs any more are looked for. */
const LEAST_REPLACED = 1024;

/** Labels of many series as bytes; each may be replaced. What many have in common, label by label, is kept once. */
export class LabelBodies {
  size = 0;
  /** The longest body so far. */
  longest = 0;
  /** From 0 on the body that was read last. */
  bytes = Buffer.allocUnsafeSlow(1024);
  #lengths = new Uint32Array(1024);
  /** Where the pieces of body i begin. */
  #at = new Uint32Array(1024);
  #sequence = new Uint32Array(1 << 13);
  #used = 0;
  #pieces = new LabelPieces();
  #read = -1;
  #replaced = 0;

  lengthOf(id: number): number {
    return this.#lengths[id] as number;
  }

  /** Puts a body into `bytes`; returns its length. */
  read(id: number): number {
    const length = this.#lengths[id] as number;
    if (id === this.#read) return length;
    this.#read = id;
    if (length > this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(length * 2);
    const to = this.bytes;
    const { bytes, at } = this.#pieces;
    let used = 0;
    for (let i = this.#at[id] as number; ; i++) {
      const entry = this.#sequence[i] as number;
      const piece = (entry & ~LAST) >>> 0;
      const from = at[piece] as number;
      const ofPiece = (at[piece + 1] as number) - from;
      for (let k = 0; k < ofPiece; k++) to[used + k] = bytes[from + k] as number;
      used += ofPiece;
      if (entry >= LAST) return length;
    }
  }

  /** Until another body is read. */
  bytesOf(id: number): Buffer {
    const length = this.read(id);
    return this.bytes.subarray(0, length);
  }

  textOf(id: number): string {
    const length = this.read(id);
    return this.bytes.toString('utf8', 0, length);
  }

  isEqual(id: number, body: Uint8Array): boolean {
    const length = this.#lengths[id] as number;
    if (length !== body.length) return false;
    this.read(id);
    return this.bytes.compare(body, 0, length, 0, length) === 0;
  }

  /** As the next one. */
  add(body: string | Buffer): void {
    if (this.size === this.#at.length) {
      this.#at = doubled(this.#at);
      this.#lengths = doubled(this.#lengths);
    }
    this.#put(this.size++, body);
  }

  replace(id: number, body: string | Buffer): void {
    this.#read = -1;
    this.#put(id, body);
    if (++this.#replaced > Math.max(LEAST_REPLACED, this.size)) this.#renew();
  }

  #put(id: number, body: string | Buffer): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.#at[id] = this.#used;
    this.#lengths[id] = bytes.length;
    if (bytes.length > this.longest) this.longest = bytes.length;
    let from = 0;
    for (let end = endOfPiece(bytes, from); end < bytes.length; end = endOfPiece(bytes, from)) {
      this.#push(this.#pieces.idOf(bytes.subarray(from, end)));
      from = end;
    }
    this.#push((this.#pieces.idOf(bytes.subarray(from)) | LAST) >>> 0);
  }

  #push(entry: number): void {
    if (this.#used === this.#sequence.length) this.#sequence = doubled(this.#sequence);
    this.#sequence[this.#used++] = entry;
  }

  /** Leaves behind the pieces that only bodies had that were replaced. */
  #renew(): void {
    const own = new LabelBodies();
    for (let id = 0; id < this.size; id++) {
      const length = this.read(id);
      own.add(this.bytes.subarray(0, length));
    }
    this.#at = own.#at;
    this.#lengths = own.#lengths;
    this.#sequence = own.#sequence;
    this.#used = own.#used;
    this.#pieces = own.#pieces;
    this.#read = -1;
    this.#replaced = 0;
  }
}

/** Behind a label and its comma, or a pair of the protobuf exposition; wherever that is, the pieces make the body. */
function endOfPiece(bytes: Uint8Array, from: number): number {
  const length = bytes[from + 1] as number;
  if (bytes[from] === PAIR && length < 0x80) return from + 2 + length;
  let end = from + 1;
  while (end < bytes.length && !(bytes[end] === COMMA && bytes[end - 1] === QUOTE)) end++;
  return end + 1;
}
