/**
 * How many spans per CPU-second RED aggregation alone takes: `npx tsx bench/red/aggregate.bench.ts`.
 * 6,000 series, no dimensions, blocks of 20,000 spans that end within two windows.
 */
import { RedAggregator } from '../../src/red/red-aggregator.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';

const BLOCK = 20_000;
const MILLIONS = 20;
const BOUNDS_MS = [2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10_000, 15_000];
const boundsNs = BOUNDS_MS.map((ms) => ms * 1e6);

function block(dictionary: Dictionary, services: number, operations: number): SpanBatch {
  const batch = new SpanBatch(16, BLOCK);
  const resources = new Uint32Array(services);
  for (let s = 0; s < services; s++) {
    const identity = dictionary.identityOf({ service: `service-${s}`, namespace: '', instance: '' });
    resources[s] = batch.resources;
    batch.resourceIdentity[batch.resources++] = identity;
  }
  const names = Array.from({ length: operations }, (_, o) => dictionary.names.internString(`operation-${o}`));
  let state = 12_345;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const startNs = 1_700_000_000_000_000_000n;
  for (let i = 0; i < BLOCK; i++) {
    const start = startNs + BigInt(Math.floor(random() * 8e9));
    batch.resource[i] = resources[Math.floor(random() * services)] as number;
    batch.nameId[i] = names[Math.floor(random() * operations)] as number;
    batch.kind[i] = 1 + Math.floor(random() * 3);
    batch.statusCode[i] = random() < 0.5 ? 0 : 2;
    batch.startHi[i] = Number(start >> 32n);
    batch.startLo[i] = Number(start & 0xffffffffn);
    batch.durationNs[i] = Math.floor(Math.exp(10 + 12 * random()));
    batch.weight[i] = 1;
  }
  batch.spans = BLOCK;
  return batch;
}

for (const histograms of [false, true]) {
  const dictionary = new Dictionary();
  const aggregator = new RedAggregator(dictionary, { boundsNs, histograms });
  const batches = Array.from({ length: 10 }, () => block(dictionary, 50, 20));
  const run = (spans: number): number => {
    let rows = 0;
    for (let done = 0, i = 0; done < spans; done += BLOCK, i++) {
      rows += aggregator.aggregate(batches[i % batches.length] as SpanBatch).rows;
    }
    return rows;
  };
  run(2e6);
  const before = process.cpuUsage();
  run(MILLIONS * 1e6);
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  const what = histograms ? 'explicit and exponential histograms' : 'explicit histogram';
  process.stdout.write(
    `red aggregation, ${aggregator.series.size} series, ${what}: ` +
      `${(MILLIONS / seconds).toFixed(1)} M spans per CPU-second\n`,
  );
}
