/** What kafkajs' ConsumerGroup asks a broker for with each fetch, in bytes on the wire. */
export interface FetchLimits {
  maxBytes: number;
  maxBytesPerPartition: number;
}

/** What came of a fetch. */
export interface FetchedBytes {
  /** Of the parts of all partitions. */
  readonly sentBytes: number;
  /** Of these, what was left for another fetch, since unpacking had to end or a batch was cut off. */
  readonly leftBytes: number;
}

const LEAST_SHARE = 1 / 64;
/** Asked for even where there is no room, so that what is waited for (the end of a planned block) still comes. */
const LEAST_BYTES = 1 << 20;
/** A fetch's part of what is free: spans take more room as columns than on the wire. */
const OF_FREE = 1 / 2;

/**
 * How much to ask for. Less where much of each answer has to be fetched again, and more again when all of it is used:
 * packed batches come to many times what is on the wire, and one fetch may only unpack so much. And no more than there
 * is room for beside what other brokers were asked for: each is asked by itself, all at the same time.
 */
export class FetchSizes {
  readonly #most: Readonly<FetchLimits>;
  /** By broker: what it was asked for, or has sent and is on its way into blocks. */
  readonly #outBytes = new Map<number, number>();
  #share = 1;

  /** @param most what the options allow */
  constructor({ maxBytes, maxBytesPerPartition }: FetchLimits) {
    this.#most = { maxBytes, maxBytesPerPartition };
  }

  /** Sets what the next fetch from that broker asks for. */
  apply(limits: FetchLimits, nodeId: number, freeBytes = Number.POSITIVE_INFINITY): void {
    this.#outBytes.delete(nodeId);
    let unclaimedBytes = freeBytes;
    for (const bytes of this.#outBytes.values()) unclaimedBytes -= bytes;
    const { maxBytes, maxBytesPerPartition } = this.#most;
    const roomBytes = Math.max(LEAST_BYTES, unclaimedBytes * OF_FREE);
    limits.maxBytes = Math.round(Math.min(maxBytes, roomBytes) * this.#share);
    limits.maxBytesPerPartition = Math.round(Math.min(maxBytesPerPartition, roomBytes) * this.#share);
    this.#outBytes.set(nodeId, limits.maxBytes);
  }

  fetched(nodeId: number, { leftBytes, sentBytes }: FetchedBytes): void {
    this.#outBytes.set(nodeId, sentBytes);
    if (leftBytes * 2 > sentBytes) this.#share = Math.max(LEAST_SHARE, this.#share / 2);
    else if (leftBytes * 8 < sentBytes) this.#share = Math.min(1, this.#share * 2);
  }

  /** Nothing is on its way any more, and brokers may have gone: an assignment begins. */
  forget(): void {
    this.#outBytes.clear();
  }
}
