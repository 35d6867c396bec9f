import type { RateStep } from './scenario.ts';

/** Mean requests per second of [fromS, untilS), where each step holds until the next. */
export function meanRate(steps: readonly RateStep[], fromS: number, untilS: number): number {
  let sum = 0;
  for (let i = firstAfter(steps, fromS) - 1; i < steps.length; i++) {
    const step = steps[i];
    if (step === undefined) continue;
    if (step.atS >= untilS) break;
    const endS = Math.min(untilS, steps[i + 1]?.atS ?? Number.POSITIVE_INFINITY);
    sum += step.perSecond * Math.max(0, endS - Math.max(fromS, step.atS));
  }
  return sum / (untilS - fromS);
}

/** Whether the rate stays as it is throughout. */
export function isSteady(steps: readonly RateStep[], fromS: number, untilS: number): boolean {
  const next = steps[firstAfter(steps, fromS)];
  return next === undefined || next.atS >= untilS;
}

/** Index of the first step after the moment. */
function firstAfter(steps: readonly RateStep[], timeS: number): number {
  let low = 0;
  let high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((steps[middle] as RateStep).atS <= timeS) low = middle + 1;
    else high = middle;
  }
  return low;
}
