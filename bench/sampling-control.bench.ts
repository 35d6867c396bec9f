import { benchBudget, benchChurn } from './sampling-control/budgets.ts';
import { benchConformance, benchDiurnal, benchLag, benchSkew } from './sampling-control/disturbances.ts';
import { benchScenarios } from './sampling-control/scenarios.ts';
import { Targets } from './sampling-control/verdicts.ts';

/**
 * The controller on made-up traffic, Jaeger's algorithm beside it: how soon, how exactly and how steadily the targets
 * are held, whether budgets and floors are, what lag and clocks do, who is named. Needs nothing but itself.
 */
export function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const targets = new Targets();
  const seeds = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
  if (size === 'full') {
    benchScenarios(seeds(8), targets);
    benchDiurnal(seeds(8), targets);
    benchLag(seeds(8), targets);
    benchSkew(seeds(8), targets);
    benchConformance(seeds(100), targets);
    benchBudget(1, targets);
    benchChurn(1, targets);
  } else {
    benchScenarios(seeds(3), targets, ['S3', 'S7', 'S8']);
    benchLag(seeds(1), targets);
    benchConformance(seeds(5), targets);
  }
  console.log(
    targets.missed.length === 0 ? '\nEvery target is met.' : `\n${targets.missed.length} targets missed:`,
  );
  for (const missed of targets.missed) console.log(`  ${missed}`);
  return Promise.resolve(targets.missed.length === 0);
}
