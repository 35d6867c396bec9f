import type { DecidedOperation, DecisionRound } from '../../sampling/store/store.ts';
import { Offsets, WordColumn } from './columns.ts';
import { NativeBuffer } from './native-buffer.ts';

/** A Native block for sampling_probabilities. A round is small and rare, so nothing is reused. */
export function encodeDecisions(round: DecisionRound): Uint8Array {
  const { decisions } = round;
  const out = new NativeBuffer(4096);
  const words = (name: string, of: (decision: DecidedOperation) => string): void => {
    const column = new WordColumn();
    for (const decision of decisions) column.pushText(of(decision));
    column.write(out, name);
  };
  const numbers = (name: string, of: (decision: DecidedOperation) => number): void => {
    out.column(name, 'Float64');
    out.numbers(Float64Array.from(decisions, of));
  };
  const times = (name: string, of: (decision: DecidedOperation) => number): void => {
    out.column(name, 'DateTime64(3)');
    for (const decision of decisions) out.uint64(Math.max(0, Math.floor(of(decision))));
  };
  const offsets = (lengthOf: (decision: DecidedOperation) => number): void => {
    const ends = new Offsets();
    let end = 0;
    for (const decision of decisions) {
      end += lengthOf(decision);
      ends.push(end);
    }
    ends.writeData(out);
  };
  out.block(27, decisions.length);
  times('Ts', () => round.decidedAtMs);
  out.column('Version', 'UInt64');
  for (const _ of decisions) out.uint64(round.version);
  words('ServiceName', ({ service }) => service);
  words('Operation', ({ operation }) => operation);
  numbers('Probability', ({ probability }) => probability);
  numbers('Previous', ({ previous }) => previous);
  times('ChangedAt', ({ changedAtMs }) => changedAtMs);
  words('Rule', ({ rule }) => rule);
  numbers('Rate', ({ rate }) => rate);
  numbers('RateLow', ({ rateLow }) => rateLow);
  numbers('RateHigh', ({ rateHigh }) => rateHigh);
  numbers('Samples', ({ samples }) => samples);
  numbers('OverS', ({ overS }) => overS);
  numbers('Target', ({ target }) => target);
  numbers('BudgetShare', ({ budgetShare }) => budgetShare);
  words('Conformance', ({ conformance }) => conformance);
  numbers('GateLow', ({ gateLow }) => gateLow);
  numbers('GateHigh', ({ gateHigh }) => gateHigh);
  numbers('LowerBound', ({ lowerBound }) => lowerBound);
  words('Algorithm', () => round.algorithm);
  words('Mode', () => round.mode);
  out.column('BucketQps', 'Array(Float64)');
  offsets(({ inputs }) => inputs?.qps.length ?? 0);
  for (const { inputs } of decisions) out.numbers(Float64Array.from(inputs?.qps ?? []));
  out.column('SeenProbabilities', 'Array(String)');
  offsets(({ inputs }) => inputs?.seen.length ?? 0);
  for (const { inputs } of decisions) for (const probability of inputs?.seen ?? []) out.text(probability);
  out.column('UsingAdaptive', 'Bool');
  for (const { inputs } of decisions) out.byte(inputs?.using === true ? 1 : 0);
  numbers('Tolerance', ({ inputs }) => inputs?.tolerance ?? 0);
  times('DataUntil', () => round.dataUntilMs);
  words('Instance', () => round.decidedBy);
  return out.written();
}
