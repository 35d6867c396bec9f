import type { RemoteSampler } from './remote-sampler.ts';

/** An operation and the probability that was served for it. */
export type Expected = readonly (readonly [operation: string, probability: number])[];

/** More than so many standard deviations off is taken for wrong. */
export const SIGMAS = 4;
/** One of 16,000 right draws is beyond 4 sigma. It is drawn anew, larger, and that draw decides. */
const REDRAW = 4;

/** What one SDK did in one case. */
export interface Verdict {
  readonly draws: number;
  /** How far the worst draw that decided is off, in standard deviations. */
  readonly worstSigmas: number;
  /** Draws that were made anew. */
  readonly redrawn: number;
  /** What is wrong, in words; [] when all is right. */
  readonly wrong: readonly string[];
}

/** Of `decisions` made with a probability; Infinity where chance has no say and it differs. */
export function sigmasOff(sampled: number, decisions: number, probability: number): number {
  const off = Math.abs(sampled - decisions * probability);
  const sigma = Math.sqrt(decisions * probability * (1 - probability));
  if (sigma === 0) return off === 0 ? 0 : Number.POSITIVE_INFINITY;
  return off / sigma;
}

/** Lets a sampler decide so often for each operation. */
export async function judge(
  sampler: Pick<RemoteSampler, 'sample'>,
  expected: Expected,
  decisions: number,
): Promise<Verdict> {
  const wrong: string[] = [];
  let worstSigmas = 0;
  let redrawn = 0;
  for (const [operation, probability] of expected) {
    let count = decisions;
    let sampled = await sampler.sample(operation, count);
    let sigmas = sigmasOff(sampled, count, probability);
    if (sigmas > SIGMAS) {
      redrawn += 1;
      count *= REDRAW;
      sampled = await sampler.sample(operation, count);
      sigmas = sigmasOff(sampled, count, probability);
    }
    worstSigmas = Math.max(worstSigmas, sigmas);
    if (sigmas > SIGMAS) {
      const share = sampled / count;
      wrong.push(`"${operation}": ${probability} was served, ${share} of ${count} were sampled`);
    }
  }
  return { draws: expected.length, worstSigmas, redrawn, wrong };
}

/** Several verdicts on the same SDK as one. */
export function together(verdicts: readonly Verdict[]): Verdict {
  const sum = (of: (verdict: Verdict) => number): number => verdicts.reduce((all, each) => all + of(each), 0);
  return {
    draws: sum(({ draws }) => draws),
    worstSigmas: Math.max(0, ...verdicts.map(({ worstSigmas }) => worstSigmas)),
    redrawn: sum(({ redrawn }) => redrawn),
    wrong: verdicts.flatMap(({ wrong }) => wrong),
  };
}
