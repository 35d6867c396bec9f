/** Durations in whole ns of one shape; the same seed draws the same ones. */
export interface Shape {
  readonly name: string;
  readonly draw: (random: () => number) => number;
}

const MS = 1e6;

/** The shapes that quantiles are tested on; no tested quantile of the bimodal one lies in its gap. */
export const SHAPES: readonly Shape[] = [
  { name: 'lognormal', draw: (random) => lognormal(random, 30 * MS, 0.8) },
  {
    name: 'bimodal 70/30',
    draw: (random) => (random() < 0.7 ? lognormal(random, 5 * MS, 0.3) : lognormal(random, 400 * MS, 0.25)),
  },
  // Pareto, so heavy that it has no variance.
  { name: 'heavy-tailed', draw: (random) => Math.round((4 * MS) / (1 - random()) ** (1 / 1.3)) },
];

function lognormal(random: () => number, medianNs: number, sigma: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return Math.round(medianNs * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random())));
}

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The smallest value that a share of `quantile` of all is not above. */
export function nearestRank(sorted: Float64Array, quantile: number): number {
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length - 1e-9) - 1)] as number;
}
