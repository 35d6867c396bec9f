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
 * is room for.
 */
export class FetchSizes {
  readonly #most: Readonly<FetchLimits>;
  #share = 1;

  /** @param most what the options allow */
  constructor({ maxBytes, maxBytesPerPartition }: FetchLimits) {
    this.#most = { maxBytes, maxBytesPerPartition };
  }

  fetched({ leftBytes, sentBytes }: FetchedBytes): void {
    if (leftBytes * 2 > sentBytes) this.#share = Math.max(LEAST_SHARE, this.#share / 2);
    else if (leftBytes * 8 < sentBytes) this.#share = Math.min(1, this.#share * 2);
  }

  /** Sets what the next fetch asks for. */
  apply(limits: FetchLimits, freeBytes = Number.POSITIVE_INFINITY): void {
    const { maxBytes, maxBytesPerPartition } = this.#most;
    const roomBytes = Math.max(LEAST_BYTES, freeBytes * OF_FREE);
    limits.maxBytes = Math.round(Math.min(maxBytes, roomBytes) * this.#share);
    limits.maxBytesPerPartition = Math.round(Math.min(maxBytesPerPartition, roomBytes) * this.#share);
  }
}
