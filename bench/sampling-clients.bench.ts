import { FILE_CASES, JAEGER_CASES } from '../test/integration/sampling/clients/cases.ts';
import { SIGMAS } from '../test/integration/sampling/clients/draws.ts';
import {
  clientLine,
  complaints,
  heading,
  isRight,
  line,
  takenLine,
} from '../test/integration/sampling/clients/table.ts';
import { ADAPTIVE_UNDECIDED, type Row, Trial } from '../test/integration/sampling/clients/trial.ts';

/** Of each operation. */
const DECISIONS = {
  tiny: { decisions: 20_000, decisionsOfMany: 2000 },
  full: { decisions: 200_000, decisionsOfMany: 20_000 },
} as const;

/**
 * Real samplers of four SDKs poll the real engine: each case, and how far the worst share of sampled traces is from
 * the probability that was served, in standard deviations of so many decisions.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const options = DECISIONS[size];
  const trial = await Trial.start(options);
  const nameWidth = Math.max(...FILE_CASES.map(({ name }) => name.length));
  const rows: Row[] = [];
  const show = (row: Row): void => {
    rows.push(row);
    console.log(line(row, nameWidth));
  };
  try {
    console.log(
      `${options.decisions} decisions an operation (${options.decisionsOfMany} where there are 250): ` +
        `the worst share of so many, at most ${SIGMAS} sigma off; * = drawn anew, four times as large`,
    );
    console.log(heading(nameWidth));
    for (const each of FILE_CASES) show(await trial.served(each));
    show(await trial.servedOverTls());
    show(await trial.undecided());
    show(await trial.decided());
    console.log(clientLine('recognised as, polling every', await trial.recognised(), nameWidth));
    show(await trial.awayAndBack());
    console.log("\nfor comparison, Jaeger's own answers (reply: jaeger):");
    for (const each of JAEGER_CASES) {
      console.log(takenLine(each.name, await trial.takenFromJaeger(each), nameWidth));
    }
    console.log(takenLine(ADAPTIVE_UNDECIDED, await trial.takenFromAdaptiveJaeger(), nameWidth));
  } finally {
    await trial.end();
  }
  for (const each of rows.flatMap(complaints)) console.log(`WRONG: ${each}`);
  return rows.every(isRight);
}
