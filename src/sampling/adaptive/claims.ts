import type { Claims } from './water-filling.ts';

/** Claims that are collected item by item, in arrays that are used again. */
export class ClaimList implements Claims {
  length = 0;
  low = new Float64Array(256);
  high = new Float64Array(256);
  weight = new Float64Array(256);
  cost = new Float64Array(256);
  /** Whose claim it is. */
  owner = new Int32Array(256);

  clear(): void {
    this.length = 0;
  }

  add(owner: number, low: number, high: number, weight: number, cost: number): void {
    const at = this.length++;
    if (at === this.owner.length) this.#grow();
    this.owner[at] = owner;
    this.low[at] = Math.min(low, high);
    this.high[at] = high;
    this.weight[at] = weight;
    this.cost[at] = cost;
  }

  #grow(): void {
    const length = this.owner.length * 2;
    const wide = (column: Float64Array) => {
      const wider = new Float64Array(length);
      wider.set(column);
      return wider;
    };
    const owner = new Int32Array(length);
    owner.set(this.owner);
    this.owner = owner;
    this.low = wide(this.low);
    this.high = wide(this.high);
    this.weight = wide(this.weight);
    this.cost = wide(this.cost);
  }
}
