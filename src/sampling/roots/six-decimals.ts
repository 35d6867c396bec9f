/**
 * `x` with six decimals as Jaeger prints probabilities (C's "%.6f"): correctly rounded, and a value that lies
 * exactly in the middle goes to the even digit. `toFixed` takes the larger one there. The middle of two
 * six-decimal numbers is a binary fraction only when it has exactly seven binary places.
 */
export function sixDecimals(x: number): string {
  if (Number.isNaN(x)) return 'NaN';
  if (!Number.isFinite(x)) return x > 0 ? '+Inf' : '-Inf';
  if (Math.abs(x) >= 1e21) return `${BigInt(x)}.000000`;
  if (Object.is(x, -0)) return '-0.000000';
  const isTie = Math.abs((x * 128) % 2) === 1;
  if (isTie) {
    const towardsZero = x.toFixed(7).slice(0, -1);
    if (Number(towardsZero.at(-1)) % 2 === 0) return towardsZero;
  }
  return x.toFixed(6);
}
