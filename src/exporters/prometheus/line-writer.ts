import { formatGo } from './go-number.ts';
import type { LabelBodies } from './label-bodies.ts';

/** Appends to one of two buffers by turns. */
export class LineWriter {
  used = 0;
  readonly capacity: number;
  #buffer: Buffer;
  #other: Buffer;
  #prefixAt = -1;
  #prefixEnd = 0;

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

  number(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= 1e6) {
      this.ascii(formatGo(value));
      return;
    }
    const buffer = this.#buffer;
    let digits = 1;
    for (let limit = 10; value >= limit; limit *= 10) digits++;
    let rest = value | 0;
    for (let at = this.used + digits - 1; at >= this.used; at--) {
      const next = (rest / 10) | 0;
      buffer[at] = 48 + rest - next * 10;
      rest = next;
    }
    this.used += digits;
  }

  /** OpenMetrics writes whole counts in full. */
  count(value: number, openMetrics: boolean): void {
    if (openMetrics && Number.isInteger(value) && value >= 1e6 && value < 1e21) this.ascii(String(value));
    else this.number(value);
  }

  ascii(text: string): void {
    const buffer = this.#buffer;
    let at = this.used;
    for (let i = 0; i < text.length; i++) buffer[at++] = text.charCodeAt(i);
    this.used = at;
  }
}
