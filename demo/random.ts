/** Standard normal (Box and Muller). */
function normal(): number {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

/** A lognormal time: `medianMs` in the middle, `spread` (sigma) of 0.4 is calm and 1 is wild. */
export function lognormalMs(medianMs: number, spread: number): number {
  return medianMs * Math.exp(spread * normal());
}

export function chance(probability: number): boolean {
  return Math.random() < probability;
}

/** How many of a stream of `perSecond` independent events happen in `seconds`. */
export function poisson(perSecond: number, seconds: number): number {
  const mean = perSecond * seconds;
  if (mean > 200) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
  const limit = Math.exp(-mean);
  let events = 0;
  for (let product = Math.random(); product > limit; product *= Math.random()) events += 1;
  return events;
}
