import type { RecordHeader, SourceRecord } from '../../flow/intake.ts';
import type { DeadLetter, PutAside } from './dead-letters.ts';

/** What a dead letter tells in its headers, behind those of the record. */
const NAME = {
  reason: 'x-spanweir-reason',
  cluster: 'x-spanweir-cluster',
  topic: 'x-spanweir-topic',
  partition: 'x-spanweir-partition',
  offset: 'x-spanweir-offset',
  lastOffset: 'x-spanweir-last-offset',
  timestampMs: 'x-spanweir-timestamp-ms',
  putAsideMs: 'x-spanweir-put-aside-ms',
  version: 'x-spanweir-version',
  valueBytes: 'x-spanweir-value-bytes',
  valueSha256: 'x-spanweir-value-sha256',
  valueIn: 'x-spanweir-value-in',
  /** How many of the headers in front are the record's own. */
  ownHeaders: 'x-spanweir-own-headers',
  /** On a record that `dlq retry` produced: whence, and how often by now. */
  retryOf: 'x-spanweir-retry-of',
  retryCount: 'x-spanweir-retry-count',
  /** Makes a letter a mark: the record of this position was produced again. */
  retriedMs: 'x-spanweir-retried-ms',
} as const;

/** Where the value is that was too large for the topic. */
export type ValuePlace = 'folder' | 'source';

export interface OmittedValue {
  readonly bytes: number;
  readonly sha256: string;
  /** `source`: only in the log that it came from, as long as that keeps it. */
  readonly place: ValuePlace;
}

/** The place of a record in the log that it came from. */
export interface LetterPosition {
  readonly clusterId: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A letter as it was found, in a topic or a folder. */
export interface FoundLetter {
  readonly position: LetterPosition;
  /** Of a whole record batch: `value` is its bytes. */
  readonly lastOffset: number | undefined;
  readonly reason: string;
  /** Of the record, Unix ms; 0 = not known. */
  readonly timestampMs: number;
  readonly putAside: PutAside;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** The record's own. */
  readonly headers: readonly RecordHeader[];
  /** Set where the letter does not have the value itself. */
  readonly omitted: OmittedValue | undefined;
}

/** The record's own headers, then ours. */
export function headersOf(
  letter: DeadLetter,
  putAside: PutAside,
  omitted: OmittedValue | undefined,
): RecordHeader[] {
  const { clusterId, topic, partition, lastOffset, reason, record } = letter;
  const own = record.headers ?? [];
  const headers = [
    ...own,
    header(NAME.reason, reason),
    ...positionHeaders({ clusterId, topic, partition, offset: record.offset }),
    header(NAME.timestampMs, record.timestampMs),
    header(NAME.putAsideMs, putAside.atMs),
    header(NAME.version, putAside.version),
    header(NAME.ownHeaders, own.length),
  ];
  if (lastOffset !== undefined) headers.push(header(NAME.lastOffset, lastOffset));
  if (omitted !== undefined) {
    headers.push(header(NAME.valueBytes, omitted.bytes));
    headers.push(header(NAME.valueSha256, omitted.sha256), header(NAME.valueIn, omitted.place));
  }
  return headers;
}

/** The headers of a mark that says: the record of this position was produced again. */
export function markHeaders(position: LetterPosition, retriedMs: number): RecordHeader[] {
  return [header(NAME.retriedMs, retriedMs), ...positionHeaders(position)];
}

/** A record of a dead-letter topic; undefined when it is not one of ours. */
export function readLetter(
  record: SourceRecord,
): FoundLetter | { readonly position: LetterPosition; readonly retriedMs: number } | undefined {
  // A name of ours among the record's own headers stands before ours: the last one counts.
  const all = new Map((record.headers ?? []).map(({ key, value }) => [key, textOf(value)]));
  const topic = all.get(NAME.topic);
  const [partition, offset] = [numberOf(all.get(NAME.partition)), numberOf(all.get(NAME.offset))];
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  const position = { clusterId: all.get(NAME.cluster) ?? '', topic, partition, offset };
  const reason = all.get(NAME.reason);
  const retriedMs = numberOf(all.get(NAME.retriedMs));
  if (reason === undefined) return retriedMs === undefined ? undefined : { position, retriedMs };
  const headers = record.headers ?? [];
  const valueBytes = numberOf(all.get(NAME.valueBytes));
  return {
    position,
    lastOffset: numberOf(all.get(NAME.lastOffset)),
    reason,
    timestampMs: numberOf(all.get(NAME.timestampMs)) ?? 0,
    putAside: {
      atMs: numberOf(all.get(NAME.putAsideMs)) ?? record.timestampMs,
      version: all.get(NAME.version) ?? '',
    },
    key: record.key,
    value: record.value,
    headers: headers.slice(0, ownCount(headers, numberOf(all.get(NAME.ownHeaders)))),
    omitted:
      valueBytes === undefined || record.value !== null
        ? undefined
        : {
            bytes: valueBytes,
            sha256: all.get(NAME.valueSha256) ?? '',
            place: all.get(NAME.valueIn) === 'folder' ? 'folder' : 'source',
          },
  };
}

/** How often the record had been produced again before it was put aside. */
export function retriesOf(headers: readonly RecordHeader[]): number {
  const count = headers.findLast(({ key }) => key === NAME.retryCount);
  return numberOf(textOf(count?.value ?? null)) ?? 0;
}

/** The record's own headers, with the mark of one more retry instead of that of an earlier one. */
export function retryHeaders({
  headers,
  position,
}: Pick<FoundLetter, 'headers' | 'position'>): RecordHeader[] {
  const own = headers.filter(({ key }) => key !== NAME.retryOf && key !== NAME.retryCount);
  return [
    ...own,
    header(NAME.retryOf, positionText(position)),
    header(NAME.retryCount, retriesOf(headers) + 1),
  ];
}

/** `topic:partition:offset`: none of Kafka's names has a colon. */
export function positionText({ topic, partition, offset }: Omit<LetterPosition, 'clusterId'>): string {
  return `${topic}:${partition}:${offset}`;
}

function positionHeaders({ clusterId, topic, partition, offset }: LetterPosition): RecordHeader[] {
  return [
    header(NAME.cluster, clusterId),
    header(NAME.topic, topic),
    header(NAME.partition, partition),
    header(NAME.offset, offset),
  ];
}

/** Letters of releases that did not count them: ours begin at the first name of ours. */
function ownCount(headers: readonly RecordHeader[], told: number | undefined): number {
  if (told !== undefined) return told;
  const first = headers.findIndex(({ key }) => key === NAME.reason);
  return first === -1 ? headers.length : first;
}

function header(key: string, value: string | number): RecordHeader {
  return { key, value: Buffer.from(String(value)) };
}

function textOf(value: Uint8Array | null): string | undefined {
  return value === null ? undefined : Buffer.from(value).toString('utf8');
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^-?\d{1,16}$/.test(text) ? Number(text) : undefined;
}
