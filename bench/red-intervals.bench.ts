import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouse } from '../src/clickhouse/client.ts';
import { RedAggregator } from '../src/red/red-aggregator.ts';
import type { RedRows } from '../src/red/red-rows.ts';
import { Dictionary } from '../src/span/dictionary.ts';
import { SpanBatch } from '../src/span/span-batch.ts';
import { WINDOW_SECONDS } from '../src/window/event-window.ts';
import { type Dice, dice, MIXES, type Mix } from './red/sampled-windows.ts';
import { intervalsOf } from './red/stated-intervals.ts';
import { startDatabase } from './support/embedded-database.ts';

const COVERED = { least: 0.94, most: 0.98 };
const STANDARD_ERRORS = 4;
const MOST_STANDARD_ERROR = 0.005;
/** Sampled traces of a window; those with fewer are not looked at. */
const LEAST_TRACES = 30;
const SPANS_A_BATCH = 60_000;
const START_S = 1_700_000_000;

interface Found {
  windows: number;
  within: number;
  below: number;
  errors: number;
  squares: number;
}

/**
 * Windows of sampled traffic whose true number of spans is known: how often it lies in the 95 % interval that is
 * stated in SQL, and how far the estimates are off on average.
 */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'spanweir-intervals-'));
  const database = await startDatabase(folder, 'intervals');
  try {
    return await measureAll(database.client, size);
  } finally {
    await database.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureAll(client: ClickHouse, size: 'tiny' | 'full'): Promise<boolean> {
  const windows = size === 'full' ? 4000 : 1000;
  const random = dice(11);
  const all: Found = { windows: 0, within: 0, below: 0, errors: 0, squares: 0 };
  let isGood = true;
  console.log('1-20 spans of an operation a trace; share of windows whose interval holds their true count');
  for (const mix of MIXES) {
    const found = await measure(client, mix, windows, random);
    if (mix.isCertain !== true) add(found, all);
    isGood = tell(mix.what, found, mix.isCertain ? 1 : undefined) && isGood;
  }
  return tell('all that were sampled', all, undefined) && isGood;
}

async function measure(client: ClickHouse, mix: Mix, windows: number, random: Dice): Promise<Found> {
  const found: Found = { windows: 0, within: 0, below: 0, errors: 0, squares: 0 };
  let drawn = 0;
  while (drawn < windows) {
    const batch = new SpanBatch(1 << 20, SPANS_A_BATCH * 2);
    const dictionary = new Dictionary();
    batch.resources = 1;
    batch.resourceIdentity[0] = dictionary.identityOf({ service: 'shop', namespace: '', instance: '' });
    const nameId = dictionary.names.internString('GET /');
    const truths: number[] = [];
    const isEnough: boolean[] = [];
    while (drawn < windows && batch.spans < SPANS_A_BATCH) {
      const traffic = mix.draw(random);
      const { count, kept } = appendWindow(batch, traffic, random, { nameId, window: truths.length });
      truths.push(count);
      isEnough.push(kept >= LEAST_TRACES);
      drawn++;
    }
    const rows = new RedAggregator(dictionary).aggregate(batch);
    judge(await intervalsOf(client, rows), rows, { truths, isEnough }, found);
  }
  return found;
}

/** Keeps or drops each of a window's traces, by its own probability, and puts the spans of those kept into the batch. */
function appendWindow(
  batch: SpanBatch,
  traffic: readonly { readonly traces: number; readonly probability: number }[],
  random: Dice,
  { nameId, window }: { readonly nameId: number; readonly window: number },
): { readonly count: number; readonly kept: number } {
  const startNs = BigInt(START_S + window * WINDOW_SECONDS) * 1_000_000_000n;
  let count = 0;
  let kept = 0;
  for (const { traces, probability } of traffic) {
    for (let trace = 0; trace < traces; trace++) {
      const spans = 1 + Math.floor(random() * 20);
      count += spans;
      if (random() >= probability) continue;
      kept++;
      const idAt = batch.reserve(16);
      for (let i = 0; i < 4; i++) batch.view.setUint32(idAt + i * 4, Math.floor(random() * 2 ** 32));
      for (let i = 0; i < spans; i++) {
        if (batch.spans === batch.spanCapacity) batch.growSpans();
        const row = batch.spans++;
        batch.nameId[row] = nameId;
        batch.traceIdAt[row] = idAt;
        batch.startHi[row] = Number(startNs >> 32n);
        batch.startLo[row] = Number(startNs & 0xffffffffn);
        batch.weight[row] = 1 / probability;
      }
    }
  }
  return { count, kept };
}

function add(found: Found, all: Found): void {
  for (const key of ['windows', 'within', 'below', 'errors', 'squares'] as const) all[key] += found[key];
}

function judge(
  intervals: readonly (readonly [number, number])[],
  rows: RedRows,
  { truths, isEnough }: { readonly truths: readonly number[]; readonly isEnough: readonly boolean[] },
  found: Found,
): void {
  intervals.forEach(([low, high], row) => {
    const window = ((rows.windowS[row] as number) - START_S) / WINDOW_SECONDS;
    if (isEnough[window] !== true) return;
    const truth = truths[window] as number;
    const error = (rows.calls[row] as number) / truth - 1;
    found.windows++;
    found.errors += error;
    found.squares += error * error;
    // Weights such as 1 / 0.3 add up to whole numbers to some 1e-12.
    if (truth < low * (1 - 1e-9)) found.below++;
    else if (truth <= high * (1 + 1e-9)) found.within++;
  });
}

function tell(
  what: string,
  { windows, within, below, errors, squares }: Found,
  wanted: number | undefined,
): boolean {
  const share = within / windows;
  const mean = errors / windows;
  const standardError = Math.sqrt(Math.max(0, squares / windows - mean * mean) / windows);
  const isCovered = wanted === undefined ? share >= COVERED.least && share <= COVERED.most : share === wanted;
  const isTrue = Math.abs(mean) <= STANDARD_ERRORS * standardError || mean === 0;
  const isSharp = standardError <= MOST_STANDARD_ERROR;
  const percent = (value: number): string => `${(value * 100).toFixed(2)} %`;
  console.log(
    `  ${isCovered && isTrue && isSharp ? 'ok    ' : 'MISSED'} ${what}: ${percent(share)} of ${windows} windows ` +
      `(below ${percent(below / windows)}, above ${percent(1 - share - below / windows)}); ` +
      `mean error ${percent(mean)}, its standard error ${percent(standardError)}`,
  );
  return isCovered && isTrue && isSharp;
}
