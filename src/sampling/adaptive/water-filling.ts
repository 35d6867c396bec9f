/** Columns over the same items. What an item gets lies between `low` and `high`. */
export interface Claims {
  readonly length: number;
  /** What an item gets at least; never above `high`. */
  readonly low: Float64Array;
  /** What it can use at most. */
  readonly high: Float64Array;
  /** Its share of the water against the others'; > 0. */
  readonly weight: Float64Array;
  /** What one unit of it takes of the budget; >= 0. */
  readonly cost: Float64Array;
}

/** An item gets `claimAt(...)`: its weight times the level, within what it can use and not below its floor. */
export interface WaterLevel {
  readonly level: number;
  /** 1; less where even the floors exceed the budget. */
  readonly floorScale: number;
}

/**
 * The level at which all claims together cost the budget: Infinity where all can be served whole. What items can't use
 * rises the level for the others.
 */
export function waterLevel(claims: Claims, budget: number): WaterLevel {
  const { length, low, high, weight, cost } = claims;
  let least = 0;
  let most = 0;
  let highest = 0;
  for (let i = 0; i < length; i++) {
    least += (cost[i] as number) * (low[i] as number);
    most += (cost[i] as number) * (high[i] as number);
    const full = (high[i] as number) / (weight[i] as number);
    if (full > highest) highest = full;
  }
  if (most <= budget) return { level: Number.POSITIVE_INFINITY, floorScale: 1 };
  if (least >= budget) return { level: 0, floorScale: least > 0 ? Math.max(0, budget) / least : 1 };
  return { level: solve(claims, budget, highest), floorScale: 1 };
}

/** What an item gets at a level. */
export function claimAt(
  low: number,
  high: number,
  weight: number,
  { level, floorScale }: WaterLevel,
): number {
  return Math.max(low * floorScale, Math.min(high, weight * level));
}

/**
 * The cost is piecewise linear in the level: along the piece at hand towards the budget, and half the bracket where
 * that leads outside. A few steps suffice, over columns.
 */
function solve({ length, low, high, weight, cost }: Claims, budget: number, highest: number): number {
  let under = 0;
  let over = highest;
  let level = Math.min(highest, budget / Math.max(1, length));
  for (let step = 0; step < 60; step++) {
    let sum = 0;
    let slope = 0;
    for (let i = 0; i < length; i++) {
      const share = (weight[i] as number) * level;
      if (share >= (high[i] as number)) sum += (cost[i] as number) * (high[i] as number);
      else if (share <= (low[i] as number)) sum += (cost[i] as number) * (low[i] as number);
      else {
        sum += (cost[i] as number) * share;
        slope += (cost[i] as number) * (weight[i] as number);
      }
    }
    if (Math.abs(sum - budget) <= 1e-9 * budget) return level;
    if (sum < budget) under = level;
    else over = level;
    const next = slope > 0 ? level + (budget - sum) / slope : Number.NaN;
    level = next > under && next < over ? next : (under + over) / 2;
  }
  return level;
}
