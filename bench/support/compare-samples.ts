import type { Samples } from './exposition.ts';

/** What is on one page and not on the other, or with another value; [] when they are equal. */
export function compareSamples(peer: Samples, ours: Samples): string[] {
  const different: string[] = [];
  for (const [key, value] of peer) {
    const own = ours.get(key);
    if (own === undefined) different.push(`missing here: ${key} ${value}`);
    else if (!isEqual(key, value, own)) different.push(`${key}: collector ${value}, Spanweir ${own}`);
  }
  for (const [key, value] of ours) if (!peer.has(key)) different.push(`only here: ${key} ${value}`);
  return different;
}

/** Sums of doubles depend on the order of adding; everything else is exact. */
function isEqual(key: string, a: number, b: number): boolean {
  if (!/_sum(\{|$)/.test(key)) return a === b;
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}
