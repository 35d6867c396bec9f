import { type Classes, NO_CLASSES, type SampledRoots } from './root-row.ts';

/** SampledRoots under addition. */
export interface MutableRoots {
  roots: number;
  tagged: number;
  adjusted: number;
  adjustedSquares: number;
  bounded: number;
  errors: number;
  readonly variates: Map<number, number>;
  readonly durations: Map<number, number>;
}

export function noRoots(): MutableRoots {
  return {
    roots: 0,
    tagged: 0,
    adjusted: 0,
    adjustedSquares: 0,
    bounded: 0,
    errors: 0,
    variates: new Map(),
    durations: new Map(),
  };
}

export function addRoots(sum: MutableRoots, more: SampledRoots): void {
  sum.roots += more.roots;
  sum.tagged += more.tagged;
  sum.adjusted += more.adjusted;
  sum.adjustedSquares += more.adjustedSquares;
  sum.bounded += more.bounded;
  sum.errors += more.errors;
  addClasses(sum.variates, more.variates);
  addClasses(sum.durations, more.durations);
}

export function sampledRoots({ variates, durations, ...numbers }: MutableRoots): SampledRoots {
  return { ...numbers, variates: classesOf(variates), durations: classesOf(durations) };
}

function addClasses(sum: Map<number, number>, { classes, counts }: Classes): void {
  for (let i = 0; i < classes.length; i++) {
    const found = classes[i] as number;
    sum.set(found, (sum.get(found) ?? 0) + (counts[i] as number));
  }
}

function classesOf(sum: ReadonlyMap<number, number>): Classes {
  if (sum.size === 0) return NO_CLASSES;
  const sorted = [...sum].sort(([a], [b]) => a - b);
  return { classes: sorted.map(([found]) => found), counts: sorted.map(([, count]) => count) };
}
