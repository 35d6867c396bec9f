/** A part of `bytes`, and where the reader stands once it has it behind it. */
export interface RingPlace {
  readonly at: number;
  readonly length: number;
  readonly end: number;
}

/**
 * What both threads have of a ring: one number in `read`, how many bytes the reader has behind it (it goes round at
 * 2^32), and the bytes themselves.
 */
export interface SharedRing {
  readonly read: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
}

/** `size` is a power of two. Memory that was never written to costs nothing. */
export function sharedRing(size: number): SharedRing {
  return { read: new SharedArrayBuffer(4), bytes: new SharedArrayBuffer(size) };
}

/**
 * Hands payloads to another thread that looks at them in the order in which they were put here, and at once. A buffer
 * for each of them would be made, handed over and collected in both threads, and that costs more than its bytes.
 */
export class RingWriter {
  readonly #read: Int32Array;
  readonly #bytes: Uint8Array;
  /** Bytes written so far, and those that were left out at the end of the buffer; goes round at 2^32. */
  #written = 0;

  constructor({ bytes, read }: SharedRing) {
    this.#read = new Int32Array(read);
    this.#bytes = new Uint8Array(bytes);
  }

  /** Undefined when there is no room now: the payload has to go another way. */
  put(payload: Uint8Array): RingPlace | undefined {
    const size = this.#bytes.length;
    const { length } = payload;
    const from = this.#written & (size - 1);
    // A payload lies in one piece.
    const skipped = from + length > size ? size - from : 0;
    const waiting = (this.#written - Atomics.load(this.#read, 0)) >>> 0;
    if (waiting + skipped + length > size) return undefined;
    const at = skipped > 0 ? 0 : from;
    this.#bytes.set(payload, at);
    this.#written = (this.#written + skipped + length) >>> 0;
    return { at, length, end: this.#written };
  }
}

/** The other thread's end. */
export class RingReader {
  readonly #read: Int32Array;
  readonly #bytes: Uint8Array;

  constructor({ bytes, read }: SharedRing) {
    this.#read = new Int32Array(read);
    this.#bytes = new Uint8Array(bytes);
  }

  /** Until `done` is called with the same place. */
  get({ at, length }: RingPlace): Uint8Array {
    return this.#bytes.subarray(at, at + length);
  }

  done({ end }: RingPlace): void {
    Atomics.store(this.#read, 0, end | 0);
  }
}
