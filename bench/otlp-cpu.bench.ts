import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Receiver, startReceiver } from './otlp/receiver.ts';
import {
  differingSeries,
  expectedSeries,
  makeRequests,
  type RequestBody,
  SPANS_PER_REQUEST,
} from './otlp/requests.ts';
import { OtlpSenders } from './otlp/senders.ts';
import { type Figure, median, tellFigures } from './support/figures.ts';
import { cpuSeconds, maxRssMiB } from './support/process-usage.ts';
import { until } from './support/session.ts';

const SIZES = {
  tiny: { requests: 10, rounds: 4, repeats: 1 },
  full: { requests: 100, rounds: 20, repeats: 3 },
} as const;
const CONNECTIONS = 8;

/** In the order in which they are measured in each process. */
const WAYS = [
  { name: 'gRPC', protocol: 'grpc', gzip: false, target: 1.7 },
  { name: 'gRPC, gzip', protocol: 'grpc', gzip: true, target: 1.7 },
  { name: 'HTTP', protocol: 'http', gzip: false, target: 2.5 },
  { name: 'HTTP, gzip', protocol: 'http', gzip: true, target: 2.5 },
] as const;
type Way = (typeof WAYS)[number];

const SIDES = {
  Spanweir: 'spanweir',
  collector: { gogc: undefined },
  'collector, GOGC=400': { gogc: '400' },
} as const;
type Side = keyof typeof SIDES;

interface Run {
  readonly side: Side;
  readonly way: Way;
  readonly cpuS: number;
}

/** OTLP in, span metrics out: spans per CPU-second, ours over the collector's, by protocol. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { repeats, requests: count, rounds } = SIZES[size];
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
  const requests = makeRequests(count, BigInt(Date.now() - 60_000) * 1_000_000n);
  const runs: Run[] = [];
  const rss = new Map<Side, number>();
  try {
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const [side, who] of Object.entries(SIDES) as [Side, (typeof SIDES)[Side]][]) {
        const receiver = await startReceiver(join(dir, `${side}-${repeat}`), who);
        try {
          runs.push(...(await measure(receiver, side, requests, rounds)));
          rss.set(side, Math.max(rss.get(side) ?? 0, maxRssMiB(receiver.child.pid)));
        } finally {
          await receiver.child.stop(30_000);
        }
      }
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  const spans = count * rounds * SPANS_PER_REQUEST;
  return tellFigures('otlp-cpu', figures(runs, spans, rss), noteOf(spans, repeats));
}

/** Every way once, in a process that has done nothing before. Rejects when a series is not as it was sent. */
async function measure(
  receiver: Receiver,
  side: Side,
  requests: readonly RequestBody[],
  rounds: number,
): Promise<Run[]> {
  const runs: Run[] = [];
  const { grpcPort, httpPort } = receiver;
  const taken = requests.map(() => 0);
  for (const way of WAYS) {
    const port = way.protocol === 'grpc' ? grpcPort : httpPort;
    const senders = await OtlpSenders.open({ ...way, port, connections: CONNECTIONS }, requests);
    const beforeS = cpuSeconds(receiver.child.pid);
    const sent = await senders.closedLoop(rounds);
    const cpuS = cpuSeconds(receiver.child.pid) - beforeS;
    senders.close();
    for (const [i, times] of sent.taken.entries()) taken[i] = (taken[i] ?? 0) + times;
    runs.push({ side, way, cpuS });
    const spans = sent.takenRequests * SPANS_PER_REQUEST;
    console.log(
      `${side.padEnd(20)} ${way.name.padEnd(11)} ${cpuS.toFixed(2)} CPU-s, ${kilo(spans / cpuS)} k spans per CPU-s, ` +
        `${kilo(spans / sent.seconds)} k spans/s, ${sent.refusedRequests} refused`,
    );
  }
  const expected = expectedSeries(requests, taken);
  await until(
    async () => differingSeries(expected, await receiver.counted()),
    ({ count }) => count === 0,
    30_000,
    1000,
  ).catch(async () => {
    const { count, example } = differingSeries(expected, await receiver.counted());
    throw new Error(`${side}: ${count} series are wrong, such as ${example}`);
  });
  return runs;
}

function figures(runs: readonly Run[], spans: number, rss: ReadonlyMap<Side, number>): Figure[] {
  const cpuOf = (side: Side, way: Way): number =>
    median(runs.filter((run) => run.side === side && run.way === way).map(({ cpuS }) => cpuS));
  const lines = WAYS.map((way): Figure => {
    const [ours, peer, tuned] = (Object.keys(SIDES) as Side[]).map((side) => cpuOf(side, way)) as [
      number,
      number,
      number,
    ];
    const ratio = peer / ours;
    return {
      what: `${way.name}: spans per CPU-second over the collector's (over GOGC=400)`,
      figure:
        `${ratio.toFixed(2)}x (${(tuned / ours).toFixed(2)}x): ${kilo(spans / ours)} k against ` +
        `${kilo(spans / peer)} k (${kilo(spans / tuned)} k)`,
      target: `>= ${way.target}x`,
      isMet: ratio >= way.target,
    };
  });
  const most = [...rss].map(([side, mib]) => `${side} ${mib}`).join(', ');
  return [...lines, { what: 'RSS at most, MiB', figure: most, target: '' }];
}

function noteOf(spans: number, repeats: number): string {
  return (
    `OTLP to span_metrics, ${SPANS_PER_REQUEST} spans a request, ${CONNECTIONS} connections, ${kilo(spans)} k spans a figure, ` +
    `median of ${repeats}; a new process does the four ways one after the other.`
  );
}

function kilo(value: number): string {
  return (value / 1000).toFixed(0);
}
