import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import type { Strategy } from '../../../sampling/strategies/strategy.ts';
import { type OperationRecord, toRecord } from './strategy-record.ts';

/**
 * How a snapshot lies in the control topic. Keys: `head`, `service/NAME` and, for a service too large for one record,
 * `part/N/NAME` (N from 1). Values begin with `{"v":VERSION,`; behind it comes the body, which only says what is
 * served: a body that is in the topic already is not written again.
 */
export const HEAD_KEY = 'head';
/** A release that reads a higher one than its own leaves the topic alone and serves what it has. */
export const FORMAT = 1;

export interface Head {
  readonly v: number;
  readonly format: number;
  /** Who decided. */
  readonly by: string;
  readonly madeAtMs: number;
  /** How many services the version has: tells a reader that it has them all. */
  readonly services: number;
}

export interface TopicRecord {
  readonly key: string;
  /** Null = it left. */
  readonly value: string | null;
}

/** Far below the 1 MiB that brokers take at most by default. */
const MAX_VALUE_BYTES = 256 << 10;
const MAX_SEND_BYTES = 512 << 10;
/** Besides names: digits, quotes, brackets. */
const OPERATION_BYTES = 32;

export function serviceKey(service: string, part = 0): string {
  return part === 0 ? `service/${service}` : `part/${part}/${service}`;
}

/** What a key is about; undefined for the head and for what nobody here wrote. */
export function serviceOf(key: string): { readonly service: string; readonly part: number } | undefined {
  if (key.startsWith('service/')) return { service: key.slice(8), part: 0 };
  const match = /^part\/([1-9]\d*)\//.exec(key);
  return match === null ? undefined : { service: key.slice(match[0].length), part: Number(match[1]) };
}

/** `{"v":12,"parts":1,...}` without its version: `"parts":1,...}`. */
export function bodyOf(value: string): string {
  return value.slice(value.indexOf(',') + 1);
}

/** The bodies of one service's records, the first part's first. @throws SpanweirError BAD_DATA. */
export function serviceBodies(strategy: Strategy): string[] {
  const { byOperation, ...rest } = toRecord(strategy);
  if (byOperation === undefined) return [tail({ parts: 1, ...rest })];
  const [first = [], ...others] = inParts(byOperation.operations);
  const own = { parts: others.length + 1, ...rest, byOperation: { ...byOperation, operations: first } };
  return [tail(own), ...others.map((operations) => tail({ operations }))];
}

/**
 * What has to be written so that `served` (key -> body of what the topic holds) becomes `next`, without the head:
 * [] when it is the same already.
 */
export function changes(
  served: ReadonlyMap<string, string>,
  next: Pick<StrategySnapshot, 'services' | 'fallback'>,
  version: number,
  bodiesOf: (strategy: Strategy) => readonly string[] = serviceBodies,
): TopicRecord[] {
  const records: TopicRecord[] = [];
  const stays = new Set<string>();
  const put = (key: string, body: string): void => {
    stays.add(key);
    if (served.get(key) !== body) records.push({ key, value: `{"v":${version},${body}` });
  };
  put(FALLBACK_KEY, tail(toRecord(next.fallback)));
  for (const [service, strategy] of next.services) {
    for (const [part, body] of bodiesOf(strategy).entries()) put(serviceKey(service, part), body);
  }
  for (const key of served.keys()) if (!stays.has(key)) records.push({ key, value: null });
  return records;
}

/** For a service that has none of its own. */
export const FALLBACK_KEY = 'fallback';

export function headRecord({ v, ...rest }: Head): TopicRecord {
  return { key: HEAD_KEY, value: JSON.stringify({ v, ...rest }) };
}

/** In as many sends as sizes ask for, in order. */
export function inSends(records: readonly TopicRecord[]): TopicRecord[][] {
  return cut(
    records,
    MAX_SEND_BYTES,
    ({ key, value }) => Buffer.byteLength(key) + Buffer.byteLength(value ?? '') + 16,
  );
}

function inParts(operations: readonly OperationRecord[]): OperationRecord[][] {
  // Escapes can make a name six times as long.
  return cut(operations, MAX_VALUE_BYTES, ([name]) => jsonBytes(name) + OPERATION_BYTES);
}

function jsonBytes(name: string): number {
  return Buffer.byteLength(JSON.stringify(name));
}

/** Consecutive runs whose sizes come to at most `most`; something larger stands alone. */
function cut<T>(all: readonly T[], most: number, sizeOf: (one: T) => number): T[][] {
  const runs: T[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const one of all) {
    const own = sizeOf(one);
    if (size + own > most) {
      runs.push([]);
      size = 0;
    }
    runs.at(-1)?.push(one);
    size += own;
  }
  return runs;
}

/** An object's JSON behind its first brace: what follows the version. */
function tail(object: object): string {
  return JSON.stringify(object).slice(1);
}
