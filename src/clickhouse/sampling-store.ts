import type { DecisionRound, SamplingStore, StoredDecision } from '../sampling/store.ts';
import type { ThroughputRow } from '../sampling/throughput-rows.ts';
import { type ClickHouse, quoted } from './client.ts';
import { Offsets, WordColumn } from './native/columns.ts';
import { NativeBuffer } from './native/native-buffer.ts';

/** Of an operation: bounds an answer, not the loop (see SamplingStore.throughput). Some 10 bytes each. */
const MOST_PROBABILITIES = 1000;

/** Throughput and decisions in ClickHouse. */
export function createSamplingStore(client: ClickHouse): SamplingStore {
  const database = quoted(client.database);
  return {
    throughput: async (startMs, endMs) => {
      const rows = await client.query<ThroughputAnswer>(
        `SELECT ServiceName, Operation, toUnixTimestamp(min(Ts)) AS windowS, sum(Count) AS count,
                arraySlice(arraySort(groupUniqArrayArray(Probabilities)), 1, ${MOST_PROBABILITIES}) AS probabilities
         FROM ${database}.sampling_throughput
         WHERE Ts >= toDateTime({start: UInt32}) AND Ts < toDateTime({end: UInt32})
         GROUP BY ServiceName, Operation`,
        { start: Math.floor(startMs / 1000), end: Math.floor(endMs / 1000) },
      );
      return rows.map(
        (row): ThroughputRow => ({
          windowS: Number(row.windowS),
          service: row.ServiceName,
          operation: row.Operation,
          count: Number(row.count),
          probabilities: row.probabilities,
        }),
      );
    },
    insertDecisions: async (round) => {
      if (round.decisions.length === 0) return;
      const token = `sampling_probabilities:${round.decidedBy}:${round.decidedAtMs}`;
      await client.insertNative({ table: 'sampling_probabilities', token }, encodeRound(round));
    },
    latestDecisions: async () => {
      const rows = await client.query<DecisionAnswer>(
        `SELECT ServiceName, Operation, Probability, Qps, toUnixTimestamp64Milli(Ts) AS decidedAtMs
         FROM ${database}.sampling_probabilities_latest`,
      );
      return rows.map(
        (row): StoredDecision => ({
          service: row.ServiceName,
          operation: row.Operation,
          probability: row.Probability,
          qps: row.Qps,
          decidedAtMs: Number(row.decidedAtMs),
        }),
      );
    },
  };
}

interface ThroughputAnswer {
  readonly ServiceName: string;
  readonly Operation: string;
  readonly windowS: string | number;
  readonly count: string;
  readonly probabilities: readonly string[];
}

interface DecisionAnswer {
  readonly ServiceName: string;
  readonly Operation: string;
  readonly Probability: number;
  readonly Qps: number;
  readonly decidedAtMs: string;
}

/** A Native block for sampling_probabilities. A round is small and rare, so nothing is reused. */
function encodeRound({ dataUntilMs, decidedAtMs, decidedBy, decisions }: DecisionRound): Uint8Array {
  const out = new NativeBuffer(4096);
  const words = (name: string, of: (i: (typeof decisions)[number]) => string): void => {
    const column = new WordColumn();
    for (const decision of decisions) column.pushText(of(decision));
    column.write(out, name);
  };
  const numbers = (name: string, of: (i: (typeof decisions)[number]) => number): void => {
    out.column(name, 'Float64');
    out.numbers(Float64Array.from(decisions, of));
  };
  const times = (name: string, ms: number): void => {
    out.column(name, 'DateTime64(3)');
    for (let i = 0; i < decisions.length; i++) out.uint64(Math.floor(ms));
  };
  const offsets = (lengthOf: (i: (typeof decisions)[number]) => number): void => {
    const ends = new Offsets();
    let end = 0;
    for (const decision of decisions) {
      end += lengthOf(decision);
      ends.push(end);
    }
    ends.writeData(out);
  };
  out.block(14, decisions.length);
  times('Ts', decidedAtMs);
  words('ServiceName', ({ service }) => service);
  words('Operation', ({ operation }) => operation);
  numbers('Probability', ({ probability }) => probability);
  numbers('Previous', ({ previous }) => previous);
  numbers('Qps', ({ qps }) => qps);
  numbers('TargetQps', ({ target }) => target);
  words('Reason', ({ reason }) => reason);
  out.column('BucketQps', 'Array(Float64)');
  offsets(({ inputs }) => inputs.qps.length);
  for (const { inputs } of decisions) out.numbers(Float64Array.from(inputs.qps));
  out.column('SeenProbabilities', 'Array(String)');
  offsets(({ inputs }) => inputs.seen.length);
  for (const { inputs } of decisions) for (const probability of inputs.seen) out.text(probability);
  out.column('UsingAdaptive', 'Bool');
  for (const { inputs } of decisions) out.byte(inputs.using ? 1 : 0);
  numbers('Tolerance', ({ inputs }) => inputs.tolerance);
  times('DataUntil', dataUntilMs);
  words('Instance', () => decidedBy);
  return out.written();
}
