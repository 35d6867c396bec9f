const INDEX_BITS = 11;
const REGISTERS = 1 << INDEX_BITS;
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS);
const TWO_32 = 2 ** 32;

/**
 * How many different hashes there were, to some 2.3 % (Flajolet and others: HyperLogLog, 2007): of each part of them
 * the longest run of leading zeros.
 */
export class HyperLogLog {
  readonly #registers = new Uint8Array(REGISTERS);

  clear(): void {
    this.#registers.fill(0);
  }

  /** 32 bits, all of them well mixed. */
  add(hash: number): void {
    const index = hash >>> (32 - INDEX_BITS);
    const rank = Math.clz32((hash << INDEX_BITS) | (1 << (INDEX_BITS - 1))) + 1;
    if (rank > (this.#registers[index] as number)) this.#registers[index] = rank;
  }

  estimate(): number {
    let sum = 0;
    let empty = 0;
    for (const rank of this.#registers) {
      sum += 2 ** -rank;
      if (rank === 0) empty++;
    }
    const raw = (ALPHA * REGISTERS * REGISTERS) / sum;
    if (raw <= 2.5 * REGISTERS && empty > 0) return REGISTERS * Math.log(REGISTERS / empty);
    // Of 2^32 hashes some are equal by chance.
    return raw > TWO_32 / 30 ? -TWO_32 * Math.log(1 - raw / TWO_32) : raw;
  }
}

/** Well mixed 32 bits of a text. */
export function hashText(text: string, seed = 0): number {
  let hash = seed ^ 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mixed(hash ^ text.length);
}

export function mixed(hash: number): number {
  let out = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  out = Math.imul(out ^ (out >>> 13), 0xc2b2ae35);
  return (out ^ (out >>> 16)) >>> 0;
}
