import { writeFile } from 'node:fs/promises';
import { type FoundLetter, positionText, retriesOf } from '../../receivers/kafka/dead-letter-headers.ts';
import { type CommandIo, EXIT } from './command.ts';
import type { Letter } from './dlq-collect.ts';
import { letterKey } from './dlq-collect.ts';
import { diagnose, diagnoseBatch } from './dlq-diagnose.ts';
import { isMark, type OpenReceiver } from './dlq-places.ts';
import { wholeRecord } from './dlq-value.ts';

export interface ShowOptions {
  readonly json: boolean;
  /** Of the value, in hexadecimal. */
  readonly bytes: number;
  /** A file for the whole value. */
  readonly save: string | undefined;
}

/** All that is known of one letter. */
export async function showLetter(
  receiver: OpenReceiver,
  letter: Letter,
  options: ShowOptions,
  io: CommandIo,
): Promise<number> {
  const found = await findAgain(letter);
  if (found === undefined) {
    io.complain(`${positionText(letter.letter.position)} is gone meanwhile`);
    return EXIT.failed;
  }
  const record = await wholeRecord(receiver, found);
  const value = record?.value ?? null;
  const verdict =
    value === null
      ? []
      : found.lastOffset === undefined
        ? diagnose(value, receiver.encoding, found.timestampMs)
        : await diagnoseBatch(value);
  if (options.json) io.print(JSON.stringify({ ...asJson(letter), ...recordJson(found, record), verdict }));
  else
    for (const line of page(letter, found, { value, record, verdict, bytes: options.bytes })) io.print(line);
  if (options.save !== undefined && value !== null) {
    await writeFile(options.save, value);
    io.complain(`${value.length} bytes written to ${options.save}`);
  }
  return EXIT.ok;
}

/** A letter as one object of `list --json`; times in Unix ms. */
export function asJson({ letter, valueBytes, copies, retries, retriedMs, places }: Letter): object {
  const { position, lastOffset, reason, timestampMs, putAside, omitted } = letter;
  return {
    position: positionText(position),
    cluster: position.clusterId,
    topic: position.topic,
    partition: position.partition,
    offset: position.offset,
    ...(lastOffset !== undefined && { last_offset: lastOffset }),
    reason,
    timestamp_ms: timestampMs,
    put_aside_ms: putAside.atMs,
    version: putAside.version,
    value_bytes: valueBytes ?? null,
    ...(omitted !== undefined && { value_sha256: omitted.sha256 }),
    copies,
    retries,
    retried_ms: retriedMs ?? null,
    places: [...places].map(({ name }) => name),
  };
}

function recordJson(found: FoundLetter, record: Awaited<ReturnType<typeof wholeRecord>>): object {
  const { key, value, headers } = record ?? found;
  return {
    value_from: record?.from ?? null,
    key: base64(key),
    headers: headers.map((header) => ({ key: header.key, value: base64(header.value) })),
    value: base64(value),
  };
}

interface Shown {
  readonly value: Uint8Array | null;
  readonly record: Awaited<ReturnType<typeof wholeRecord>>;
  readonly verdict: readonly string[];
  readonly bytes: number;
}

function page({ copies, retriedMs, places, valueBytes }: Letter, found: FoundLetter, shown: Shown): string[] {
  const { value, record, verdict, bytes } = shown;
  const { position, lastOffset, putAside } = found;
  const key = record?.key ?? found.key;
  const retries = retriesOf(found.headers);
  const size =
    value === null
      ? `${valueBytes === undefined ? 'null' : `${valueBytes} bytes, which are nowhere any more`}`
      : `${value.length} bytes, from ${record?.from}`;
  return [
    `position    ${positionText(position)}${lastOffset === undefined ? '' : ` to offset ${lastOffset}, a whole record batch`}`,
    `cluster     ${position.clusterId}`,
    `reason      ${found.reason}`,
    `record of   ${found.timestampMs > 0 ? iso(found.timestampMs) : 'not known'}`,
    `put aside   ${iso(putAside.atMs)} by version ${putAside.version || 'not known'}`,
    `kept in     ${[...places].map(({ name }) => name).join(', ')}${copies > 1 ? ` (${copies} copies)` : ''}`,
    `retries     ${retries}${retriedMs === undefined ? '' : `; produced again ${iso(retriedMs)}`}`,
    `key         ${key === null ? 'null' : printable(key)}`,
    `value       ${size}`,
    ...verdict.map((line) => `            ${line}`),
    ...(record ?? found).headers.map(
      (header) => `header      ${header.key} = ${header.value === null ? 'null' : printable(header.value)}`,
    ),
    ...(value === null ? [] : hexLines(value.subarray(0, bytes))),
    ...(value !== null && value.length > bytes
      ? [`... ${value.length - bytes} more bytes (--bytes N, --save FILE)`]
      : []),
  ];
}

async function findAgain(letter: Letter): Promise<FoundLetter | undefined> {
  for (const place of letter.places) {
    for await (const found of place.scan(() => {})) {
      if (!isMark(found) && letterKey(found) === letter.key) return found;
    }
  }
  return undefined;
}

function hexLines(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = Buffer.from(bytes.subarray(at, at + 16));
    const hex = row.toString('hex').replaceAll(/../g, '$& ').padEnd(48);
    const text = row.toString('latin1').replaceAll(/[^ -~]/g, '.');
    lines.push(`${at.toString(16).padStart(8, '0')}  ${hex} ${text}`);
  }
  return lines;
}

/** As text where it is text; a terminal is not to be told what to do by what somebody sent. */
function printable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8');
  if (/^[^\p{C}\ufffd]*$/u.test(text))
    return text.length <= 200 ? text : `${text.slice(0, 200)}... (${bytes.length} bytes)`;
  return `0x${Buffer.from(bytes.subarray(0, 100)).toString('hex')}${bytes.length > 100 ? '...' : ''}`;
}

export function iso(atMs: number): string {
  const at = new Date(atMs);
  return Number.isFinite(at.getTime()) ? at.toISOString() : `${atMs} ms`;
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64');
}
