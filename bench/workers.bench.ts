import { filledTopic, measure, type Run } from './kafka/measure.ts';
import { inTurn, ours } from './kafka/sides.ts';
import { type Figure, median, tellFigures } from './support/figures.ts';
import { Session } from './support/session.ts';

const PLANS = {
  tiny: { spans: 10_000, readings: 1, repeats: 1 },
  full: { spans: 2_000_000, readings: 5, repeats: 3 },
} as const;
const MOST_CPU = 1.15;
const LEAST_SPEED_UP = 0.9;

const ONE = ours('one worker', { workers: 1 });
const TWO = ours('two workers', { workers: 2 });

/** CPU and wall time from Kafka to /metrics of two workers over one. The broker shares the cores, so what can be won depends on it. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { readings, repeats, spans } = PLANS[size];
  const session = await Session.open();
  try {
    const filled = await filledTopic(session, 'workers', { spans });
    if (size === 'full') await measure(session, ours('warm-up'), filled);
    const runs: Run[] = [];
    for (const side of inTurn([ONE, TWO], repeats)) runs.push(await measure(session, side, filled, readings));
    return tellFigures('workers', figures(runs), NOTE);
  } finally {
    await session.end();
  }
}

const NOTE =
  'Medians of three repeats in turn; 10 M spans as in `cpu`, two cores for engine, broker and what looks at them. b is the CPU of the broker over ours with one worker: ' +
  'what the broker needs, the second worker has not, so that 2 / (1 + b) is all that can be won where the broker works beside.';

function figures(runs: readonly Run[]): Figure[] {
  const of = (who: string, figure: (run: Run) => number): number =>
    median(runs.filter((run) => run.who === who).map(figure));
  const cpuS = (who: string): number => of(who, (run) => run.cpuS);
  const wallS = (who: string): number => of(who, (run) => run.wallS);
  const cpu = cpuS(TWO.name) / cpuS(ONE.name);
  const speedUp = wallS(ONE.name) / wallS(TWO.name);
  const b = of(ONE.name, (run) => run.brokerCpuS) / cpuS(ONE.name);
  const best = 2 / (1 + b);
  return [
    {
      what: 'CPU of two workers over that of one',
      figure: `${cpu.toFixed(3)} (${cpuS(TWO.name).toFixed(2)} over ${cpuS(ONE.name).toFixed(2)} s)`,
      target: `<= ${MOST_CPU}`,
      isMet: cpu <= MOST_CPU,
    },
    {
      what: 'wall time of one worker over that of two',
      figure: `${speedUp.toFixed(2)}x (${wallS(ONE.name).toFixed(1)} over ${wallS(TWO.name).toFixed(1)} s)`,
      target: '',
    },
    { what: 'b; 2 / (1 + b)', figure: `${b.toFixed(2)}; ${best.toFixed(2)}x`, target: '' },
    {
      what: 'speed-up over 2 / (1 + b)',
      figure: (speedUp / best).toFixed(2),
      target: `>= ${LEAST_SPEED_UP}`,
      isMet: speedUp / best >= LEAST_SPEED_UP,
    },
  ];
}
