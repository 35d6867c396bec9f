/** Sizes are rounded up, so that the next batch fits as well. */
const STEP_BYTES = 1 << 20;
/** What is idle and kept, over all sizes: about what one fetch unpacks to. */
const KEEP_BYTES = 32 << 20;

/** Memory that batches are unpacked into, one behind the other, until it is full. */
class Chunk {
  readonly bytes: Buffer;
  usedBytes = 0;
  leases = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

const NONE = new Chunk(Buffer.alloc(0));

/**
 * Memory for unpacked batches, used again once nobody reads them any more: made anew for each, it would be garbage
 * outside of the heap, several bytes for every byte read, and a full collection every few milliseconds.
 * One of it a thread; what is unpacked is unpacked in one go, so that nothing is reserved twice.
 */
export class UnpackMemory {
  #current = NONE;
  #idle: Chunk[] = [];

  /** For the batches that are released together. */
  lease(): UnpackLease {
    return new UnpackLease(this);
  }

  /** One with room for so many bytes more. */
  chunk(bytes: number): Chunk {
    const current = this.#current;
    if (current.usedBytes + bytes <= current.bytes.length) return current;
    const fitting = this.#idle.findIndex((idle) => idle.bytes.length >= bytes);
    const [reused] = fitting === -1 ? [] : this.#idle.splice(fitting, 1);
    if (current.leases === 0) this.#keep(current);
    this.#current =
      reused ?? new Chunk(Buffer.allocUnsafeSlow(Math.max(1, Math.ceil(bytes / STEP_BYTES)) * STEP_BYTES));
    return this.#current;
  }

  /** Nobody reads what is in it. */
  free(chunk: Chunk): void {
    chunk.usedBytes = 0;
    if (chunk !== this.#current) this.#keep(chunk);
    else if (chunk.bytes.length > KEEP_BYTES) this.#current = NONE;
  }

  #keep(chunk: Chunk): void {
    const keptBytes = this.#idle.reduce((sum, { bytes }) => sum + bytes.length, 0);
    if (chunk !== NONE && keptBytes + chunk.bytes.length <= KEEP_BYTES) this.#idle.push(chunk);
  }
}

/** What is unpacked under it stays as it is until it is released. One that never is does no harm. */
export class UnpackLease {
  readonly #memory: UnpackMemory;
  readonly #chunks: Chunk[] = [];
  #reserved: Chunk | undefined;

  constructor(memory: UnpackMemory) {
    this.#memory = memory;
  }

  /** To be written to; given away again by the next call, but for what is kept. */
  reserve(bytes: number): Buffer {
    const chunk = this.#memory.chunk(bytes);
    this.#reserved = chunk;
    return chunk.bytes.subarray(chunk.usedBytes, chunk.usedBytes + bytes);
  }

  /** The first so many of the bytes that were reserved last. */
  keep(bytes: number): void {
    const chunk = this.#reserved;
    if (chunk === undefined) return;
    chunk.usedBytes += bytes;
    if (this.#chunks.at(-1) === chunk) return;
    chunk.leases += 1;
    this.#chunks.push(chunk);
  }

  release(): void {
    for (const chunk of this.#chunks.splice(0)) {
      chunk.leases -= 1;
      if (chunk.leases === 0) this.#memory.free(chunk);
    }
  }
}
