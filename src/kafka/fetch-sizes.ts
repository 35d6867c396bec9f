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

/**
 * Asks for less where much of each answer has to be fetched again, and for more when all of it is used: packed
 * batches come to many times what is on the wire, and one fetch may only unpack so much.
 */
export class FetchSizes {
  readonly #most: Readonly<FetchLimits>;
  #share = 1;

  constructor({ maxBytes, maxBytesPerPartition }: FetchLimits) {
    this.#most = { maxBytes, maxBytesPerPartition };
  }

  fetched({ leftBytes, sentBytes }: FetchedBytes, limits: FetchLimits): void {
    if (leftBytes * 2 > sentBytes) this.#share = Math.max(LEAST_SHARE, this.#share / 2);
    else if (leftBytes * 8 < sentBytes) this.#share = Math.min(1, this.#share * 2);
    else return;
    limits.maxBytes = Math.round(this.#most.maxBytes * this.#share);
    limits.maxBytesPerPartition = Math.round(this.#most.maxBytesPerPartition * this.#share);
  }
}
