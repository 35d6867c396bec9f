import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReceiver } from './otlp/receiver.ts';
import { differingSeries, expectedSeries, makeRequests, SPANS_PER_REQUEST } from './otlp/requests.ts';
import { OtlpSenders, type Sent } from './otlp/senders.ts';
import { fullTopic } from './overload/full-topic.ts';
import { type Figure, median, tellFigures } from './support/figures.ts';
import { cpuSeconds, maxRssMiB } from './support/process-usage.ts';

const SIZES = {
  tiny: { requests: 10, rounds: 10, repeats: 1, seconds: 2 },
  full: { requests: 100, rounds: 20, repeats: 3, seconds: 10 },
} as const;
/** What is in hand at most: small enough that it is soon reached. */
const MOST_BYTES_IN_HAND = 16 * 1024 ** 2;
const PEAK_CONNECTIONS = 64;
const OVERLOAD_CONNECTIONS = 512;
const TIMES_OFFERED = 3;
const LEAST_SHARE = 0.7;
const MOST_RSS_MIB = 600;

/** More than is accepted, on a topic and over OTLP: what an accepted span costs then, and that none of them is lost. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const kafka = await fullTopic(size);
  return tellFigures('overload', [...kafka, ...(await offeredOverOtlp(size))], NOTE);
}

async function offeredOverOtlp(size: 'tiny' | 'full'): Promise<Figure[]> {
  const { repeats, requests: count, rounds, seconds } = SIZES[size];
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
  const requests = makeRequests(count, BigInt(Date.now() - 60_000) * 1_000_000n);
  const receiver = await startReceiver(dir, 'spanweir', {
    service: { spanweir: { workers: 1, block: { max_in_flight_bytes: MOST_BYTES_IN_HAND } } },
  });
  const { pid } = receiver.child;
  const taken = requests.map(() => 0);
  const run = async (connections: number, send: (senders: OtlpSenders) => Promise<Sent>): Promise<Run> => {
    const open = { protocol: 'http', gzip: false, port: receiver.httpPort, connections } as const;
    const senders = await OtlpSenders.open(open, requests);
    try {
      const beforeS = cpuSeconds(pid);
      const sent = await send(senders);
      for (const [i, times] of sent.taken.entries()) taken[i] = (taken[i] ?? 0) + times;
      return { sent, cpuS: cpuSeconds(pid) - beforeS };
    } finally {
      senders.close();
    }
  };
  try {
    await run(PEAK_CONNECTIONS, (senders) => senders.closedLoop(rounds));
    const peaks: Run[] = [];
    const overloads: Run[] = [];
    for (let i = 0; i < repeats; i++) {
      const peak = await run(PEAK_CONNECTIONS, (senders) => senders.closedLoop(rounds));
      peaks.push(peak);
      const perSecond = (TIMES_OFFERED * peak.sent.takenRequests) / peak.sent.seconds;
      overloads.push(await run(OVERLOAD_CONNECTIONS, (senders) => senders.openLoop(perSecond, seconds)));
      tell('as fast as it takes them', peak);
      tell('three times as many', overloads.at(-1) as Run);
    }
    const { count: wrong, example } = differingSeries(
      expectedSeries(requests, taken),
      await receiver.counted(),
    );
    if (wrong > 0) throw new Error(`${wrong} series are wrong, such as ${example}`);
    return figuresOf(peaks, overloads, maxRssMiB(pid));
  } finally {
    await receiver.child.stop(30_000);
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Run {
  readonly sent: Sent;
  readonly cpuS: number;
}

function perCpuSecond({ cpuS, sent }: Run): number {
  return (sent.takenRequests * SPANS_PER_REQUEST) / cpuS;
}

function tell(what: string, run: Run): void {
  const { refusedRequests, seconds, takenRequests } = run.sent;
  console.log(
    `${what.padEnd(24)} ${kilo(perCpuSecond(run))} k spans per CPU-s, ` +
      `${kilo((takenRequests * SPANS_PER_REQUEST) / seconds)} k spans/s, ${refusedRequests} requests refused`,
  );
}

function figuresOf(peaks: readonly Run[], overloads: readonly Run[], rssMiB: number): Figure[] {
  const peak = median(peaks.map(perCpuSecond));
  const overload = median(overloads.map(perCpuSecond));
  const share = overload / peak;
  const refused = median(
    overloads.map(({ sent }) => sent.refusedRequests / (sent.refusedRequests + sent.takenRequests)),
  );
  return [
    {
      what: 'OTLP offered three times what it accepts: accepted spans per CPU-second over its peak',
      figure: `${(share * 100).toFixed(0)} %: ${kilo(overload)} k of ${kilo(peak)} k; ${(refused * 100).toFixed(0)} % refused`,
      target: `>= ${LEAST_SHARE * 100} %`,
      isMet: share >= LEAST_SHARE,
    },
    {
      what: 'the same: RSS at most',
      figure: `${rssMiB} MiB`,
      target: `<= ${MOST_RSS_MIB} MiB`,
      isMet: rssMiB <= MOST_RSS_MIB,
    },
  ];
}

const NOTE =
  'Medians of three repeats. Kafka: 0.4 M spans on 8 partitions to ClickHouse (spans and RED tables), CPU from readiness on; all wait when the engine begins, with 64 MiB and with ' +
  'ample room in hand, or come at 80 % of the speed at which it took those; every span was in every table once. ' +
  `OTLP: HTTP, ${SPANS_PER_REQUEST} spans a request; every series counts exactly what was acknowledged.`;

function kilo(value: number): string {
  return (value / 1000).toFixed(0);
}
