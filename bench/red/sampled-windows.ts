/** In [0, 1). */
export type Dice = () => number;

/** Traces that are kept with one probability. */
export interface Traffic {
  readonly traces: number;
  readonly probability: number;
}

export interface Mix {
  readonly what: string;
  /** All is kept: every interval has to be its value. */
  readonly isCertain?: boolean;
  /** The traffic of one window. */
  readonly draw: (random: Dice) => readonly Traffic[];
}

/** Between 1 and 100 %, as likely between 1 and 10 as between 10 and 100. */
function probability(random: Dice): number {
  return 10 ** (-2 * random());
}

/** So many that about 45 to 150 of them are kept. */
function traffic(probability: number, random: Dice, share = 1): Traffic {
  return { traces: Math.round(((45 + random() * 105) * share) / probability), probability };
}

export const MIXES: readonly Mix[] = [
  { what: 'one probability a window, 1 to 100 %', draw: (random) => [traffic(probability(random), random)] },
  { what: '1 % in every window', draw: (random) => [traffic(0.01, random)] },
  { what: '50 % in every window', draw: (random) => [traffic(0.5, random)] },
  {
    what: 'three callers a window, each with its own probability',
    draw: (random) => [0, 1, 2].map(() => traffic(probability(random), random, 1 / 3)),
  },
  {
    what: 'every trace with its own probability, 10 to 100 %',
    draw: (random) =>
      Array.from({ length: Math.round(200 + random() * 200) }, () => ({
        traces: 1,
        probability: 0.1 + 0.9 * random(),
      })),
  },
  { what: 'everything is kept', isCertain: true, draw: (random) => [traffic(1, random)] },
];

/** The same numbers at every run (mulberry32). */
export function dice(seed: number): Dice {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
