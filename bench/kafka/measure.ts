import type { Ledger } from '../ledger.ts';
import type { Child } from '../support/engine.ts';
import { groupOfReading } from '../support/kafka-to-prometheus.ts';
import { cpuSeconds, maxRssMiB } from '../support/process-usage.ts';
import { type Session, until } from '../support/session.ts';
import { CommittedOffsets, fillTopic, type TopicCodec } from '../support/topic.ts';
import { Workload } from '../workload.ts';
import { checksum, type PageTotals, pageDifferences, readPage } from './page-ledger.ts';
import type { Side } from './sides.ts';

/** What was measured of one process that read a topic and was right about every series in the end. */
export interface Run {
  readonly who: string;
  readonly spans: number;
  /** Of the process and its threads from "Everything is ready" until every offset was committed. */
  readonly cpuS: number;
  /** The same from the process' start. */
  readonly cpuFromStartS: number;
  /** The same of the second half of the offsets alone, when nothing is new any more; and its spans. */
  readonly laterCpuS: number;
  readonly laterSpans: number;
  /** Of the broker, in the same time as `cpuS`. */
  readonly brokerCpuS: number;
  readonly wallS: number;
  readonly rssMiB: number;
  readonly checksum: string;
}

/** A topic with what is on it. */
export interface Filled {
  readonly topic: string;
  readonly ledger: Ledger;
  /** How often the ledger's spans are on the topic; default 1. */
  readonly copies?: number;
}

/** Makes a topic of 8 partitions with a workload on it. */
export async function filledTopic(
  session: Session,
  topic: string,
  options: { readonly spans: number; readonly spansPerMessage?: number; readonly codec?: TopicCodec },
): Promise<Filled> {
  const { codec, ...of } = options;
  const workload = new Workload({ ...of, startNs: BigInt(Date.now() - 60_000) * 1_000_000n });
  await fillTopic(session.brokers, topic, { partitions: 8, workload, ...(codec && { codec }) });
  return { topic, ledger: workload.ledger };
}

let runs = 0;

/** Starts the side, lets it read the topic, holds its page against the ledger, prints a line. Rejects when a series is wrong. */
export async function measure(
  session: Session,
  side: Side,
  { topic, ledger, copies = 1 }: Filled,
  readings = 1,
): Promise<Run> {
  const [port] = (await session.ports(1)) as [number];
  const group = `run-${runs++}`;
  const times = copies * readings;
  const messages = ledger.messages * times;
  const spans = ledger.spans * times;
  const groups = Array.from({ length: readings }, (_, i) => groupOfReading(group, i));
  const offsets = await CommittedOffsets.open(session.brokers, topic);
  const child = await side.begin(session, { group, topic, port, readings });
  try {
    const ready = readClocks(session, child);
    let half: { cpuS: number; messages: number } | undefined;
    await until(
      async () => {
        const committed = await offsets.ofGroups(groups);
        // A small topic may be committed in one go.
        if (half === undefined && committed >= messages / 2 && committed < messages)
          half = { cpuS: cpuSeconds(child.pid), messages: committed };
        return committed;
      },
      (committed) => {
        if (committed > messages) throw new Error(`${committed} of ${messages} messages were committed`);
        return committed === messages;
      },
      300_000,
      POLL_MS,
    );
    const end = readClocks(session, child);
    // Only now, since a scrape of this many series costs as much as a good part of the work.
    const page = await countedPage(`http://127.0.0.1:${port}/metrics`, side.name, spans);
    const wrong = pageDifferences(page, ledger, times);
    if (wrong.length > 0) throw new Error(`${side.name} is wrong:\n${wrong.slice(0, 10).join('\n')}`);
    const run = {
      who: side.name,
      spans,
      cpuS: end.cpuS - ready.cpuS,
      cpuFromStartS: end.cpuS,
      laterCpuS: end.cpuS - (half?.cpuS ?? ready.cpuS),
      laterSpans: Math.round(((messages - (half?.messages ?? 0)) / messages) * spans),
      brokerCpuS: end.brokerCpuS - ready.brokerCpuS,
      wallS: (end.atMs - ready.atMs) / 1000,
      rssMiB: maxRssMiB(child.pid),
      checksum: checksum(page),
    };
    tell(run);
    return run;
  } finally {
    await offsets.close();
    await child.stop(30_000);
  }
}

const POLL_MS = 50;
const PAGE_MS = 250;

function readClocks(
  { brokerPid }: Session,
  { pid }: Child,
): { cpuS: number; brokerCpuS: number; atMs: number } {
  return { cpuS: cpuSeconds(pid), brokerCpuS: cpuSeconds(brokerPid), atMs: performance.now() };
}

/** The collector shows counts after its next flush; what it shows too much it never takes back. */
async function countedPage(url: string, who: string, spans: number): Promise<PageTotals> {
  return await until(
    () => readPage(url),
    (page) => {
      if (page.spans > spans) throw new Error(`${who} counted ${page.spans} of ${spans} spans`);
      return page.spans === spans;
    },
    60_000,
    PAGE_MS,
  );
}

function tell(run: Run): void {
  console.log(
    `${run.who.padEnd(20)} ${run.cpuS.toFixed(2)} CPU-s for ${(run.spans / 1e6).toFixed(2)} M spans, ` +
      `${rate(run)} k spans per CPU-s (from the process' start ${run.cpuFromStartS.toFixed(2)} CPU-s), ` +
      `${run.wallS.toFixed(1)} s, broker ${run.brokerCpuS.toFixed(2)} CPU-s, ` +
      `RSS max ${run.rssMiB} MiB, checksum ${run.checksum}`,
  );
}

/** Thousand spans per CPU-second. */
export function rate({ spans, cpuS }: Pick<Run, 'spans' | 'cpuS'>): string {
  return (spans / cpuS / 1000).toFixed(0);
}
