import { type FullEngine, startFullEngine } from './support/full-engine.ts';
import { Session, until } from './support/session.ts';
import { committedMessages, fillTopic } from './support/topic.ts';
import { Workload } from './workload.ts';

const PARTITIONS = 8;
const TOPIC = 'replay-equal';
const TABLES = ['span_metrics_10s', 'span_metrics_1m', 'span_metrics_1h', 'span_metrics_1d'] as const;
const MOST_DIFFERENCE = 1e-9;
/** Weights of 1 / 0.3, so that the order of additions could matter. */
const SAMPLED = { 'sampler.type': 'probabilistic', 'sampler.param': 0.3 };

interface Contents {
  readonly rows: string;
  /** Of the keys and all integer columns of the rows, grouped. */
  readonly checksum: string;
  /** All float columns of all rows, in the order of their keys. */
  readonly floats: readonly number[];
}

type Tables = ReadonlyMap<string, Contents>;

/** A topic that is read again, and by four workers instead of one, fills the RED tables with the same. */
export async function bench(size: 'tiny' | 'full'): Promise<boolean> {
  const spans = size === 'full' ? 1_000_000 : 20_000;
  const session = await Session.open();
  try {
    const startNs = BigInt(Date.now() - 600_000) * 1_000_000n;
    const workload = new Workload({
      spans,
      startNs,
      spanIntervalNs: 400_000_000_000 / spans,
      rootAttributes: SAMPLED,
    });
    await fillTopic(session.brokers, TOPIC, { partitions: PARTITIONS, workload });
    const { messages } = workload.ledger;
    const first = await tablesOf(session, { name: 'one', workers: 1, messages });
    let isGood = true;
    for (const run of [
      { name: 'again', workers: 1, messages },
      { name: 'four', workers: 4, messages },
    ]) {
      const what = run.workers === 1 ? 'the same topic again' : `${run.workers} workers`;
      isGood = compare(what, first, await tablesOf(session, run)) && isGood;
    }
    return isGood;
  } finally {
    await session.end();
  }
}

async function tablesOf(
  session: Session,
  { name, workers, messages }: { readonly name: string; readonly workers: number; readonly messages: number },
): Promise<Tables> {
  const engine = await startFullEngine(session, { name, group: name, topic: TOPIC, workers });
  try {
    await until(
      () => committedMessages(session.brokers, name, TOPIC),
      (committed) => committed === messages,
    );
    const [blocks] = await engine.query<{ n: string }>(
      'SELECT uniqExact(FirstOffset, Partition) AS n FROM ingest_log',
    );
    console.log(
      `${name}: ${workers} worker${workers === 1 ? '' : 's'}, ${messages} messages, ${blocks?.n} blocks`,
    );
    const tables = new Map<string, Contents>();
    for (const table of TABLES) tables.set(table, await contentsOf(engine, table));
    return tables;
  } finally {
    await engine.child.stop(30_000);
  }
}

async function contentsOf(engine: FullEngine, table: string): Promise<Contents> {
  const key = 'Ts, Connector, ServiceName, SpanKind, SpanName, StatusCode, DimsHash';
  const grouped = `
    SELECT ${key}, any(Dims) AS dims, sum(Spans) AS spans, max(DurationMaxNs) AS longest, sumMap(Hist) AS hist,
           sum(Calls) AS calls, sum(WeightSquares) AS squares, max(WeightMax) AS largest, sum(DurationSumNs) AS ns
    FROM ${table} GROUP BY ${key}`;
  const [sum] = await engine.query<{ rows: string; checksum: string }>(
    `SELECT count() AS rows, hex(groupBitXor(cityHash64(${key}, dims, spans, longest, mapKeys(hist)))) AS checksum
     FROM (${grouped})`,
  );
  const floats = await engine.query<{ numbers: number[] }>(
    `SELECT arrayConcat([calls, squares, largest, ns], mapValues(hist)) AS numbers FROM (${grouped}) ORDER BY ${key}`,
  );
  return { rows: '0', checksum: '', ...sum, floats: floats.flatMap(({ numbers }) => numbers) };
}

function compare(what: string, first: Tables, other: Tables): boolean {
  let isGood = true;
  for (const [table, was] of first) {
    const is = other.get(table) as Contents;
    const isWhole = Number(was.rows) > 0 && is.rows === was.rows && is.checksum === was.checksum;
    const difference =
      was.floats.length === is.floats.length ? largestDifference(was.floats, is.floats) : Infinity;
    const isSame = isWhole && difference <= MOST_DIFFERENCE;
    isGood &&= isSame;
    console.log(
      `  ${isSame ? 'ok    ' : 'MISSED'} ${what}, ${table}: ${is.rows} rows, checksum ${is.checksum} ` +
        `(${was.checksum}), ${is.floats.length} floats within ${difference.toExponential(1)}`,
    );
  }
  return isGood;
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  let largest = 0;
  a.forEach((value, i) => {
    const other = b[i] as number;
    if (value !== other)
      largest = Math.max(largest, Math.abs(value - other) / Math.max(Math.abs(value), Math.abs(other)));
  });
  return largest;
}
