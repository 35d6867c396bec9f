import type { LabelBodies } from './label-bodies.ts';
import { type NumberStyle, NumberText } from './number-text.ts';

/** Appends to one of two buffers by turns. */
export class LineWriter {
  used = 0;
  readonly capacity: number;
  #buffer: Buffer;
  #other: Buffer;
  #prefixAt = -1;
  #prefixEnd = 0;
  readonly #text = new NumberText();

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#buffer = Buffer.allocUnsafeSlow(capacity);
    this.#other = Buffer.allocUnsafeSlow(capacity);
  }

  isFull(needed: number): boolean {
    return this.used + needed > this.capacity;
  }

  take(): Buffer {
    const full = this.#buffer.subarray(0, this.used);
    [this.#buffer, this.#other] = [this.#other, this.#buffer];
    this.used = 0;
    this.#prefixAt = -1;
    return full;
  }

  text(text: string): void {
    this.used += this.#buffer.write(text, this.used);
  }

  bytes(bytes: Buffer): void {
    const buffer = this.#buffer;
    let at = this.used;
    for (let i = 0; i < bytes.length; i++) buffer[at++] = bytes[i] as number;
    this.used = at;
  }

  body(bodies: LabelBodies, id: number): void {
    const length = bodies.read(id);
    this.used += bodies.bytes.copy(this.#buffer, this.used, 0, length);
  }

  /** `start` and the labels of a series; for its next line they are copied from this one. */
  prefix(start: Buffer, bodies: LabelBodies, id: number): void {
    if (this.#prefixAt >= 0) {
      this.#buffer.copyWithin(this.used, this.#prefixAt, this.#prefixEnd);
      this.used += this.#prefixEnd - this.#prefixAt;
      return;
    }
    this.#prefixAt = this.used;
    this.bytes(start);
    this.body(bodies, id);
    this.#prefixEnd = this.used;
  }

  forgetPrefix(): void {
    this.#prefixAt = -1;
  }

  number(value: number, style: NumberStyle): void {
    const { bytes } = this.#text;
    const buffer = this.#buffer;
    this.#text.write(value, style);
    const { length } = this.#text;
    for (let i = 0; i < length; i++) buffer[this.used + i] = bytes[i] as number;
    this.used += length;
  }

  ascii(text: string): void {
    const buffer = this.#buffer;
    let at = this.used;
    for (let i = 0; i < text.length; i++) buffer[at++] = text.charCodeAt(i);
    this.used = at;
  }
}
