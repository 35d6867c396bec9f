import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KindFigures, type PoisonRun, runPoison } from './poison/run-poison.ts';
import { complaints } from './poison/verdict.ts';

const MAX_GAP_MS = 1000;

/**
 * Every kind of bad record against the real engine: what becomes of it and of its neighbours, and how long they wait.
 * Once with ClickHouse, for what is stored, and once without, for how long reading itself stands still.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const wrong: string[] = [];
  for (const database of [true, false]) {
    const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
    try {
      const aroundMs = size === 'full' ? 3000 : 800;
      const run = await runPoison({ dir, large: 50, aroundMs, database });
      print(run);
      wrong.push(...complaints(run, MAX_GAP_MS));
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }
  for (const what of wrong) console.log(`WRONG: ${what}`);
  return wrong.length === 0;
}

function print({ figures, neighbours, hasDatabase, maxRssMiB }: PoisonRun): void {
  console.log(
    hasDatabase ? 'kafka -> clickhouse, span_metrics -> prometheus' : 'kafka -> span_metrics -> prometheus',
  );
  console.log(
    'kind                      dead letter                   spans  gap ms  without poison  others  RSS MiB',
  );
  for (const one of figures) console.log(line(one));
  const sum = (pick: (one: (typeof neighbours)[number]) => number): number =>
    neighbours.reduce((total, one) => total + pick(one), 0);
  const longest = Math.max(...figures.map(({ gapMs }) => gapMs));
  const stored = hasDatabase ? `${sum(({ rows }) => rows)} rows in ClickHouse, ` : '';
  console.log(
    `neighbours: ${sum(({ sent }) => sent)} sent, ${stored}${sum(({ calls }) => calls)} calls in Prometheus; ` +
      `longest gap ${longest.toFixed(0)} ms ${hasDatabase ? '(blocks are sealed at a pace)' : `(limit ${MAX_GAP_MS})`}; ` +
      `RSS max ${maxRssMiB} MiB\n`,
  );
}

function line({ kind, letters, spans, gapMs, controlGapMs, otherGapMs, rssMiB }: KindFigures): string {
  const letter = letters.map(({ reason, omitted }) =>
    omitted === undefined ? reason : `${reason} (folder)`,
  );
  return [
    kind.name.padEnd(25),
    (letter.join(', ') || '-').padEnd(30),
    String(spans).padStart(4),
    gapMs.toFixed(0).padStart(7),
    controlGapMs.toFixed(0).padStart(15),
    otherGapMs.toFixed(0).padStart(7),
    String(rssMiB).padStart(8),
  ].join(' ');
}
