import type { Figure } from '../support/figures.ts';
import { median } from '../support/figures.ts';
import { type Run, rate } from './measure.ts';

/** Spans per CPU-second of `ours` over the peer's, medians, as a line of a table. Without a target nothing is promised. */
export function overPeer(
  what: string,
  runs: readonly Run[],
  sides: { readonly ours: string; readonly peer: string },
  target?: number,
): Figure {
  const spans = runs[0]?.spans ?? 0;
  const cpuS = (name: string): number =>
    median(runs.filter(({ who }) => who === name).map((run) => run.cpuS));
  const [our, peer] = [cpuS(sides.ours), cpuS(sides.peer)];
  const ratio = peer / our;
  return {
    what: `${what}, over the ${sides.peer}`,
    figure: `${ratio.toFixed(2)}x (${rate({ spans, cpuS: our })} k spans per CPU-second over ${rate({ spans, cpuS: peer })})`,
    target: target === undefined ? '' : `>= ${target}x`,
    ...(target !== undefined && { isMet: ratio >= target }),
  };
}
