import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Receiver, startReceiver } from './otlp/receiver.ts';
import { differingSeries, expectedSeries, makeRequests, SPANS_PER_REQUEST } from './otlp/requests.ts';
import { OtlpSenders, type Sent } from './otlp/senders.ts';
import { type Figure, median, tellFigures } from './support/figures.ts';
import { cpuSeconds } from './support/process-usage.ts';

const SIZES = {
  tiny: { requests: 10, rounds: 10, warmUps: 2, scrapes: 3, repeats: 1, settledMs: 50 },
  full: { requests: 100, rounds: 15, warmUps: 20, scrapes: 20, repeats: 5, settledMs: 500 },
} as const;
/** The figures are of so many lines, however many there are. */
const LINES = 100_000;
const MOST_MS = 25;
const MOST_SLOWER = 0.05;
const CONNECTIONS = 32;

/** CPU of a scrape, plain and gzipped, and what a scrape every second costs ingest beyond that. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const { repeats, requests: count, rounds, scrapes, settledMs, warmUps } = SIZES[size];
  const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'spanweir-bench-'));
  const requests = makeRequests(count, BigInt(Date.now() - 60_000) * 1_000_000n);
  const receiver = await startReceiver(dir, 'spanweir');
  const senders = await OtlpSenders.open(
    { protocol: 'http', gzip: false, port: receiver.httpPort, connections: CONNECTIONS },
    requests,
  );
  try {
    const taken = requests.map(() => 0);
    const note = (sent: Sent): Sent => {
      for (const [i, times] of sent.taken.entries()) taken[i] = (taken[i] ?? 0) + times;
      return sent;
    };
    note(await senders.closedLoop(rounds));
    const counting = async (): Promise<void> => {
      note(await senders.closedLoop(1));
      // What ingest leaves behind (memory to be tidied) is no part of a scrape.
      await pause(settledMs);
    };
    const first = await scrapesOf(receiver, 1, {});
    // A process is scraped for days: what V8 makes of its code in the first minutes is told by the first scrape's row.
    await scrapesOf(receiver, warmUps, {}, counting);
    const same = await scrapesOf(receiver, scrapes, {});
    const plain = await scrapesOf(receiver, scrapes, {}, counting);
    const gzipped = await scrapesOf(receiver, scrapes, { 'accept-encoding': 'gzip' }, counting);
    const alone: number[] = [];
    const scraped: number[] = [];
    const ingest = async (): Promise<Sent> => note(await senders.closedLoop(rounds));
    for (let i = 0; i < repeats; i++) {
      alone.push(await costPerSpan(receiver, ingest));
      scraped.push(await costPerSpan(receiver, ingest, plain.cpuMs));
    }
    const { count: wrong, example } = differingSeries(
      expectedSeries(requests, taken),
      await receiver.counted(),
    );
    if (wrong > 0) throw new Error(`${wrong} series are wrong, such as ${example}`);
    const slower = median(scraped) / median(alone) - 1;
    return tellFigures('scrape', figuresOf({ first, same, plain, gzipped, slower }), noteOf(plain));
  } finally {
    senders.close();
    await receiver.child.stop(30_000);
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Scrapes {
  readonly lines: number;
  readonly bytes: number;
  /** Of one scrape. */
  readonly cpuMs: number;
}

/** `before` is done before each scrape, and is no part of what it costs. */
async function scrapesOf(
  { child, metricsUrl }: Receiver,
  count: number,
  headers: Readonly<Record<string, string>>,
  before?: () => Promise<void>,
): Promise<Scrapes> {
  let bytes = 0;
  let cpuMs = 0;
  for (let i = 0; i < count; i++) {
    await before?.();
    const beforeS = cpuSeconds(child.pid);
    bytes = await scrapeOnce(metricsUrl, headers);
    cpuMs += ((cpuSeconds(child.pid) - beforeS) * 1000) / count;
  }
  const lines = (await (await fetch(metricsUrl)).text())
    .split('\n')
    .filter((line) => !/^(#|$)/.test(line)).length;
  return { lines, bytes, cpuMs };
}

/** The number of bytes that came, as they came. */
function scrapeOnce(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve(bytes));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** CPU-s a span. With `scrapeMs` a scrape is made every second; its own CPU is taken off. */
async function costPerSpan(
  { child, metricsUrl }: Receiver,
  ingest: () => Promise<Sent>,
  scrapeMs?: number,
): Promise<number> {
  const beforeS = cpuSeconds(child.pid);
  let scrapes = 0;
  const ended = new AbortController();
  const scraping = (async (): Promise<void> => {
    while (scrapeMs !== undefined && !ended.signal.aborted) {
      const nextMs = performance.now() + 1000;
      await scrapeOnce(metricsUrl, {});
      scrapes++;
      while (performance.now() < nextMs && !ended.signal.aborted) await pause(10);
    }
  })();
  const sent = await ingest();
  ended.abort();
  await scraping;
  const cpuS = cpuSeconds(child.pid) - beforeS - (scrapes * (scrapeMs ?? 0)) / 1000;
  return cpuS / (sent.takenRequests * SPANS_PER_REQUEST);
}

function figuresOf({
  first,
  same,
  plain,
  gzipped,
  slower,
}: Readonly<Record<'first' | 'same' | 'plain' | 'gzipped', Scrapes>> & {
  readonly slower: number;
}): Figure[] {
  const cpuMs = ({ cpuMs, lines }: Scrapes): number => (cpuMs / lines) * LINES;
  return [
    {
      what: 'CPU of a scrape of 100,000 lines, uncompressed, after more spans for all series',
      figure: `${cpuMs(plain).toFixed(1)} ms`,
      target: `<= ${MOST_MS} ms`,
      isMet: cpuMs(plain) <= MOST_MS,
    },
    { what: 'the same when nothing has changed', figure: `${cpuMs(same).toFixed(1)} ms`, target: '' },
    {
      what: 'the same for the first time, compilers included',
      figure: `${cpuMs(first).toFixed(0)} ms`,
      target: '',
    },
    {
      what: 'the same after more spans, gzipped',
      figure: `${cpuMs(gzipped).toFixed(1)} ms, ${(plain.bytes / gzipped.bytes).toFixed(0)} times smaller`,
      target: '',
    },
    {
      what: "CPU for each span with a scrape every second, beyond the scrape's own",
      figure: `${(slower * 100).toFixed(1)} %`,
      target: `<= ${MOST_SLOWER * 100} %`,
      isMet: slower <= MOST_SLOWER,
    },
  ];
}

function noteOf({ bytes, lines }: Scrapes): string {
  return `${lines} lines, ${(bytes / 1e6).toFixed(1)} MB; CPU of the whole process, sending included.`;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
