/**
 * CPU per million spans of the service_graph connector: finding the ends of edges in a lane, and pairing them in the
 * main thread, beside the scan that every span costs. Every span of the workload is a SERVER or a CLIENT with ten
 * attributes, which is the most that there can be to do.
 *
 *     npx tsx bench/service-graph.bench.ts [rounds]
 */
import { EdgeSeriesTable } from '../src/dependencies/edge-series.ts';
import { EdgeStore } from '../src/dependencies/edge-store.ts';
import { HalfEdgeReader } from '../src/dependencies/half-edge-reader.ts';
import { Dictionary } from '../src/span/dictionary.ts';
import { OtlpScanner } from '../src/span/otlp-scanner.ts';
import { SpanBatch } from '../src/span/span-batch.ts';
import { DEFAULT_BUCKETS_MS } from './ledger.ts';
import { Workload } from './workload.ts';

const ROUNDS = Number(process.argv[2] ?? 7);
const SPANS = 200_000;
const MESSAGES_PER_BLOCK = 200;
const SPANS_PER_SECOND = 100_000;
const TTL_MS = 15_000;

const dictionary = new Dictionary();
const scanner = new OtlpScanner(dictionary);
const reader = new HalfEdgeReader(dictionary, {
  dimensions: [],
  databaseNames: ['db.name', 'db.namespace'],
  peerAttributes: ['peer.service', 'db.name', 'db.system'],
});
const series = new EdgeSeriesTable({ boundsNs: DEFAULT_BUCKETS_MS.map((ms) => ms * 1e6), limit: 100_000 });
let nowMs = 0;
const store = new EdgeStore({ ttlMs: TTL_MS, maxItems: 5_000_000, seed: 1 }, (edge) =>
  series.add(edge, { wallMs: nowMs, monotonicMs: nowMs }),
);
const parties: number[] = [];
const rounds: { scan: number; find: number; pair: number }[] = [];

for (let round = 0; round < ROUNDS; round++) {
  const costs = { scan: 0, find: 0, pair: 0 };
  const batch = new SpanBatch();
  let messages = 0;
  for (const message of new Workload({ spans: SPANS, seed: round + 1 }).messages()) {
    let beganUs = cpuUs();
    scanner.append(batch, message, { offset: messages, timestampMs: 1_763_700_000_000 });
    costs.scan += cpuUs() - beganUs;
    if (++messages % MESSAGES_PER_BLOCK !== 0) continue;
    beganUs = cpuUs();
    const halves = reader.read(batch);
    costs.find += cpuUs() - beganUs;
    beganUs = cpuUs();
    for (const party of halves.newParties) parties.push(series.partyId(party));
    nowMs += (batch.spans / SPANS_PER_SECOND) * 1000;
    store.add(halves, Uint32Array.from(parties), nowMs);
    store.expire(nowMs);
    costs.pair += cpuUs() - beganUs;
    batch.reset();
  }
  rounds.push(costs);
}

const best = (name: keyof (typeof rounds)[number]): string =>
  (Math.min(...rounds.slice(1).map((costs) => costs[name])) / SPANS).toFixed(3);
console.log(`CPU seconds per million spans, best of ${ROUNDS - 1} rounds of ${SPANS} spans:`);
console.log(`  scan           ${best('scan')}`);
console.log(`  find halves    ${best('find')}`);
console.log(`  pair           ${best('pair')}  (${store.size} waiting, ${series.size} series)`);

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
