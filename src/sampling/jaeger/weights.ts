const cached = new Map<number, readonly number[]>();

/** (L - j)^4 / sum of i^4 for j = 0 (newest) .. L - 1. */
export function weightVector(length: number): readonly number[] {
  const known = cached.get(length);
  if (known !== undefined) return known;
  const powers = Array.from({ length }, (_, j) => (length - j) ** 4);
  const sum = powers.reduce((total, power) => total + power, 0);
  const weights = powers.map((power) => power / sum);
  cached.set(length, weights);
  return weights;
}

/** Average of rates given newest first, where new ones count most; 0 of none. */
export function weightedQps(qps: readonly number[]): number {
  const weights = weightVector(qps.length);
  let sum = 0;
  for (let j = 0; j < qps.length; j++) sum += (qps[j] as number) * (weights[j] as number);
  return sum;
}
