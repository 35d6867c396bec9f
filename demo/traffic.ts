import { poisson } from './random.ts';
import { type EntryPoint, entryPoints } from './shop-map.ts';

/** Every so often the shop is overrun for a while, so that there is something to control. */
export const RUSH_EVERY_S = 150;
export const RUSH_LASTS_S = 50;
const CALM_FIRST_S = 60;

export function isRush(elapsedS: number): boolean {
  const sinceFirst = elapsedS - CALM_FIRST_S;
  return sinceFirst >= 0 && sinceFirst % RUSH_EVERY_S < RUSH_LASTS_S;
}

/** How many requests of each entry point begin in these `seconds`. */
export function requestsFor(
  elapsedS: number,
  seconds: number,
  rate: number,
): readonly { readonly entry: EntryPoint; readonly count: number }[] {
  const rush = isRush(elapsedS);
  return entryPoints.map((entry) => ({
    entry,
    count: poisson(entry.perSecond * rate * (rush ? entry.rush : 1), seconds),
  }));
}
