import { rmSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { poisonKinds } from '../../../bench/poison/kinds.ts';
import { type PoisonRun, runPoison } from '../../../bench/poison/run-poison.ts';
import { complaints } from '../../../bench/poison/verdict.ts';
import { makeTempDir } from '../../support/temp-dir.ts';

const LARGE_MIB = 50;
/** Node, its libraries and kafkajs, blocks, a message of 50 MiB and a batch unpacked to 64 MiB, generously. */
const RSS_LIMIT_MIB = 1000;

let run: PoisonRun;

beforeAll(async () => {
  const dir = makeTempDir('spanweir-poison-');
  try {
    run = await runPoison({ dir, large: LARGE_MIB, aroundMs: 200, database: true });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}, 600_000);

describe('kafka -> clickhouse and span_metrics -> prometheus, with every kind of bad record', () => {
  // How long partitions wait is measured by `npm run bench -- poison`, on a machine that does nothing else.
  it.each(poisonKinds(LARGE_MIB).map(({ name }) => name))('%s: what it is worth, and no more', (name) => {
    const figures = run.figures.filter(({ kind }) => kind.name === name);
    expect(figures).toHaveLength(1);
    expect(complaints({ ...run, figures, neighbours: [] }, Infinity)).toEqual([]);
  });

  it('counts each good record around them exactly once', () => {
    expect(complaints({ ...run, figures: [] }, Infinity)).toEqual([]);
    const [control] = run.neighbours;
    expect(control?.sent).toBeGreaterThan(20);
  });

  it('stays alive, within bounded memory', () => {
    expect(run.isAlive).toBe(true);
    expect(run.maxRssMiB).toBeLessThan(RSS_LIMIT_MIB);
    const longest = Math.max(...run.figures.map(({ gapMs }) => gapMs));
    console.log(`longest gap ${longest.toFixed(0)} ms, RSS max ${run.maxRssMiB} MiB`);
  });
});
