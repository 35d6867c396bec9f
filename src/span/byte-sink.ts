/** Bytes that grow at the end. */
export class ByteSink {
  bytes: Buffer;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  reset(): void {
    this.length = 0;
  }

  /** A view of what was written, valid until the next write. */
  written(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.#grow(1);
    this.bytes[this.length++] = value;
  }

  /** `from[at, at + length)`. */
  copy(from: Uint8Array, at: number, length: number): void {
    if (this.length + length > this.bytes.length) this.#grow(length);
    const { bytes } = this;
    const to = this.length;
    if (length > 48) bytes.set(from.subarray(at, at + length), to);
    else for (let i = 0; i < length; i++) bytes[to + i] = from[at + i] as number;
    this.length = to + length;
  }

  ascii(text: string): void {
    if (this.length + text.length > this.bytes.length) this.#grow(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[this.length + i] = text.charCodeAt(i);
    this.length += text.length;
  }

  utf8(text: string): void {
    const most = text.length * 3;
    if (this.length + most > this.bytes.length) this.#grow(most);
    this.length += this.bytes.write(text, this.length);
  }

  #grow(more: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + more, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
