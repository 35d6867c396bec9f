import { createHash } from 'node:crypto';
import type { KafkaOrigin } from '../../flow/block.ts';
import type { RedRows, SeriesKey } from '../../red/red-rows.ts';
import { type SeriesTable, seriesKeyOf } from '../../red/series-table.ts';
import { Offsets, WordColumn, writeIntegers, writeWidened } from './columns.ts';
import { NativeBuffer } from './native-buffer.ts';
import { SeenColumn } from './seen-column.ts';
import { SPAN_KINDS, STATUS_CODES } from './span-encoder.ts';

/** Rows of one connector. */
export interface RedPart {
  readonly connector: string;
  readonly series: SeriesTable;
  readonly dimensions: readonly string[];
  readonly rows: RedRows;
}

const COLUMNS = 16;

/**
 * Turns the RED rows of a block, of all its connectors, into one Native block for span_metrics_10s: one,
 * because the block has one token per table.
 */
export class RedEncoder {
  readonly #connectors = new WordColumn();
  readonly #services = new WordColumn();
  readonly #kinds = new WordColumn();
  readonly #names = new WordColumn();
  readonly #statuses = new WordColumn();
  readonly #dimOffsets = new Offsets();
  readonly #dimKeys = new NativeBuffer(4096);
  readonly #dimValues = new NativeBuffer(4096);
  /** As long as there are the keys, since hashing is slow. */
  readonly #dimsOf = new WeakMap<SeriesKey, SeriesDims>();
  #dims = 0;

  /** Appends the block to `out`; `origin` is undefined for spans that came in a request. */
  encode(parts: readonly RedPart[], origin: KafkaOrigin | undefined, out: NativeBuffer): void {
    this.#reset();
    const rows = parts.reduce((sum, part) => sum + part.rows.rows, 0);
    const hashes = new Uint32Array(rows * 2);
    let row = 0;
    for (const part of parts) {
      for (let i = 0; i < part.rows.rows; i++) this.#collect(part, i, hashes, row++);
    }
    out.block(COLUMNS, rows);
    writeWindows(parts, rows, out);
    this.#connectors.write(out, 'Connector');
    this.#services.write(out, 'ServiceName');
    this.#kinds.write(out, 'SpanKind');
    this.#names.write(out, 'SpanName');
    this.#statuses.write(out, 'StatusCode');
    out.column('DimsHash', 'UInt64');
    out.numbers(hashes);
    out.column('Dims', 'Map(String, String)');
    this.#dimOffsets.writeData(out);
    out.raw(this.#dimKeys.written());
    out.raw(this.#dimValues.written());
    out.column('Spans', 'UInt64');
    for (const { rows: red } of parts) writeIntegers(out, red.spans, red.rows);
    out.column('Calls', 'Float64');
    for (const { rows: red } of parts) out.numbers(red.calls.subarray(0, red.rows));
    out.column('WeightSquares', 'Float64');
    for (const { rows: red } of parts) out.numbers(red.weightSquares.subarray(0, red.rows));
    out.column('WeightMax', 'Float64');
    for (const { rows: red } of parts) out.numbers(red.weightMax.subarray(0, red.rows));
    out.column('DurationSumNs', 'Float64');
    for (const { rows: red } of parts) out.numbers(red.durationSumNs.subarray(0, red.rows));
    out.column('DurationMaxNs', 'UInt64');
    for (const { rows: red } of parts) writeIntegers(out, red.durationMaxNs, red.rows);
    writeHistograms(parts, rows, out);
    writeSeen(parts, origin, out);
  }

  #reset(): void {
    for (const words of [this.#connectors, this.#services, this.#kinds, this.#names, this.#statuses]) {
      words.reset();
    }
    this.#dimOffsets.reset();
    this.#dimKeys.reset();
    this.#dimValues.reset();
    this.#dims = 0;
  }

  #collect(part: RedPart, i: number, hashes: Uint32Array, row: number): void {
    const series = part.rows.series[i] as number;
    const key = seriesKeyOf(part.series, part.rows, series);
    this.#connectors.pushText(part.connector);
    this.#services.pushText(key.service);
    this.#kinds.pushText(SPAN_KINDS[key.kind] ?? SPAN_KINDS[0]);
    this.#names.pushText(key.spanName);
    this.#statuses.pushText(STATUS_CODES[key.statusCode] ?? STATUS_CODES[0]);
    const dims = this.#dimsOfSeries(key, part.dimensions);
    hashes[row * 2] = dims.hashLo;
    hashes[row * 2 + 1] = dims.hashHi;
    this.#dims += dims.count;
    this.#dimOffsets.push(this.#dims);
    this.#dimKeys.raw(dims.keys);
    this.#dimValues.raw(dims.values);
  }

  #dimsOfSeries(key: SeriesKey, dimensions: readonly string[]): SeriesDims {
    let dims = this.#dimsOf.get(key);
    if (dims === undefined) {
      dims = dimsOf(key, dimensions);
      this.#dimsOf.set(key, dims);
    }
    return dims;
  }
}

interface SeriesDims {
  readonly hashLo: number;
  readonly hashHi: number;
  readonly count: number;
  /** In wire form. */
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** The first 8 bytes of a SHA-256 over the pairs in wire form: the same everywhere and for ever. */
function dimsOf(key: SeriesKey, names: readonly string[]): SeriesDims {
  const pairs: [string, string][] = [];
  if (key.namespace !== '') pairs.push(['service.namespace', key.namespace]);
  key.dimensions.forEach((value, i) => {
    const name = names[i];
    if (value !== null && name !== undefined) pairs.push([name, value]);
  });
  for (const [name, value] of key.extra ?? []) if (!names.includes(name)) pairs.push([name, value]);
  if (pairs.length === 0) {
    return { hashLo: 0, hashHi: 0, count: 0, keys: NOTHING, values: NOTHING };
  }
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const keys = new NativeBuffer(64);
  const values = new NativeBuffer(64);
  for (const [name, value] of pairs) {
    keys.text(name);
    values.text(value);
  }
  const hash = createHash('sha256').update(keys.written()).update(values.written()).digest();
  return {
    hashLo: hash.readUInt32LE(0),
    hashHi: hash.readUInt32LE(4),
    count: pairs.length,
    keys: keys.written(),
    values: values.written(),
  };
}

function writeWindows(parts: readonly RedPart[], rows: number, out: NativeBuffer): void {
  const seconds = new Uint32Array(rows);
  let row = 0;
  for (const { rows: red } of parts) {
    for (let i = 0; i < red.rows; i++) seconds[row++] = red.windowS[i] as number;
  }
  out.column('Ts', 'DateTime');
  out.numbers(seconds);
}

function writeHistograms(parts: readonly RedPart[], rows: number, out: NativeBuffer): void {
  const ends = new Uint32Array(rows);
  let row = 0;
  let before = 0;
  for (const { rows: red } of parts) {
    for (let i = 0; i < red.rows; i++) ends[row++] = before + (red.histAt[i + 1] as number);
    before += red.histEntries;
  }
  out.column('Hist', 'Map(Int16, Float64)');
  writeWidened(out, ends, rows);
  for (const { rows: red } of parts) out.numbers(red.histIndex.subarray(0, red.histEntries));
  for (const { rows: red } of parts) out.numbers(red.histCount.subarray(0, red.histEntries));
}

function writeSeen(parts: readonly RedPart[], origin: KafkaOrigin | undefined, out: NativeBuffer): void {
  const seen = new SeenColumn(origin);
  for (const { rows } of parts) {
    for (let i = 0; i < rows.rows; i++) seen.push(rows.windowS[i] as number);
  }
  seen.write(out, origin);
}
