import { type DurationUnit, NS_PER_UNIT } from '../../red/red-description.ts';
import type { ExemplarStore } from './exemplar-store.ts';
import { formatGo, formatOpenMetrics } from './go-number.ts';
import type { LabelBodies } from './label-bodies.ts';
import type { LineWriter } from './line-writer.ts';
import { quoteName } from './names.ts';
import type { Format } from './negotiate.ts';
import type { NumberStyle } from './number-text.ts';
import type { ShownSeries } from './page-request.ts';

/** Longest number, timestamp, punctuation and exemplar in a line. */
export const REST_OF_LINE = 256;

export interface LinesContext {
  readonly name: string;
  readonly store: ShownSeries;
  readonly bodies: LabelBodies;
  readonly format: Format;
  /** Timestamp, if there is one, and the end of the line. */
  readonly tail: string;
  /** Series born later are shown as 0. */
  readonly seen: number;
  /** Tell when series began. */
  readonly created: boolean;
  readonly exemplars: ExemplarStore | undefined;
  readonly unit: DurationUnit;
}

export const GO: NumberStyle = { as: 'go', places: 0 };
export const OPEN_FLOAT: NumberStyle = { as: 'open float', places: 0 };

interface TargetsContext {
  readonly targets: readonly string[];
  readonly tail: string;
  readonly one: string;
}

export function* targetLines(
  lines: LineWriter,
  name: string,
  { targets, tail, one }: TargetsContext,
): Generator<Buffer, void, void> {
  const start = lineStart(name, '');
  for (const body of targets) {
    const line = `${start.toString()}${body}} ${one}${tail}`;
    if (lines.isFull(Buffer.byteLength(line))) yield lines.take();
    lines.text(line);
  }
}

export function* counterLines(lines: LineWriter, context: LinesContext): Generator<Buffer, void, void> {
  const { name, store, bodies, format, tail, seen } = context;
  const start = lineStart(name, '');
  const middle = Buffer.from('} ');
  const end = Buffer.from(tail);
  const style = format.openMetrics ? OPEN_FLOAT : GO;
  // A counter by another name is 'unknown' to OpenMetrics, which allows it nothing but a value.
  const isOpen = name.endsWith('_total');
  const created =
    context.created && isOpen ? new CreatedLines(name.slice(0, -'_total'.length), context) : null;
  const exemplars = isOpen ? context.exemplars : undefined;
  const size = bodies.size;
  for (let id = 0; id < size; id++) {
    if (store.createdMs[id] === 0) continue;
    const worst = start.length + bodies.lengthOf(id) + REST_OF_LINE;
    if (lines.isFull(worst)) yield lines.take();
    const isNew = (store.births[id] as number) > seen;
    const value = isNew ? 0 : (store.calls[id] as number);
    lines.bytes(start);
    lines.body(bodies, id);
    lines.bytes(middle);
    lines.number(value, style);
    const exemplar = exemplars === undefined || isNew ? -1 : exemplars.newest(id);
    if (exemplar < 0) lines.bytes(end);
    else lines.ascii(tailWith(context, exemplar));
    if (created !== null) {
      if (lines.isFull(worst)) yield lines.take();
      created.write(lines, id);
    }
  }
}

export function* durationLines(
  lines: LineWriter,
  context: LinesContext,
  bounds: readonly number[],
): Generator<Buffer, void, void> {
  const { name, store, bodies, format, tail, seen, unit, exemplars } = context;
  const { count: countStyle, sum: sumStyle } = durationStyles(format, unit);
  const formatFloat = format.openMetrics ? formatOpenMetrics : formatGo;
  const middles = [...bounds, Number.POSITIVE_INFINITY].map((le) =>
    Buffer.from(`,le="${formatFloat(le)}"} `),
  );
  const close = Buffer.from('} ');
  const end = Buffer.from(tail);
  const bucketStart = lineStart(name, '_bucket');
  const sumStart = lineStart(name, '_sum');
  const countStart = lineStart(name, '_count');
  const created = context.created ? new CreatedLines(name, context) : null;
  const width = store.bucketCount;
  const own = new Float64Array(width);
  const size = bodies.size;
  for (let id = 0; id < size; id++) {
    if (store.createdMs[id] === 0) continue;
    const worst = bucketStart.length + bodies.lengthOf(id) + REST_OF_LINE;
    const room = worst * (width + 3);
    if (lines.isFull(Math.min(room, lines.capacity))) yield lines.take();
    const isNew = (store.births[id] as number) > seen;
    if (!isNew) store.buckets.read(id * width, own);
    let count = 0;
    for (let bucket = 0; bucket < width; bucket++) {
      if (lines.isFull(worst)) yield lines.take();
      if (!isNew) count += own[bucket] as number;
      lines.prefix(bucketStart, bodies, id);
      lines.bytes(middles[bucket] as Buffer);
      lines.number(count, countStyle);
      const exemplar = exemplars === undefined || isNew ? -1 : exemplarOf(exemplars, store, id, bucket);
      if (exemplar < 0) lines.bytes(end);
      else lines.ascii(tailWith(context, exemplar));
    }
    lines.forgetPrefix();
    if (lines.isFull(3 * worst)) yield lines.take();
    lines.bytes(sumStart);
    lines.body(bodies, id);
    lines.bytes(close);
    lines.number(isNew ? 0 : (store.durationSumNs[id] as number), sumStyle);
    lines.bytes(end);
    lines.bytes(countStart);
    lines.body(bodies, id);
    lines.bytes(close);
    lines.number(count, countStyle);
    lines.bytes(end);
    created?.write(lines, id);
  }
}

/** A native histogram has but one bucket in text. */
function exemplarOf(exemplars: ExemplarStore, store: ShownSeries, id: number, bucket: number): number {
  return store.native === undefined ? exemplars.at(id, bucket) : exemplars.newest(id);
}

function tailWith({ tail, unit, exemplars }: LinesContext, entry: number): string {
  const from = exemplars as ExemplarStore;
  const value = formatOpenMetrics(from.durationNs(entry) / NS_PER_UNIT[unit]);
  const time = formatOpenMetrics(from.endMs(entry) / 1000);
  const labels = `trace_id="${from.traceId(entry)}",span_id="${from.spanId(entry)}"`;
  return `${tail.slice(0, -1)} # {${labels}} ${value} ${time}\n`;
}

/** When a series began, in a line of its own. */
class CreatedLines {
  readonly #start: Buffer;
  readonly #bodies: LabelBodies;
  readonly #createdMs: Float64Array;
  readonly #tail: string;

  constructor(name: string, { store, bodies, tail }: LinesContext) {
    this.#start = lineStart(name, '_created');
    this.#bodies = bodies;
    this.#createdMs = store.createdMs;
    this.#tail = tail;
  }

  write(lines: LineWriter, id: number): void {
    lines.bytes(this.#start);
    lines.body(this.#bodies, id);
    lines.ascii(`} ${formatOpenMetrics((this.#createdMs[id] as number) / 1000)}${this.#tail}`);
  }
}

export function durationStyles(
  { openMetrics }: Format,
  unit: DurationUnit,
): { readonly count: NumberStyle; readonly sum: NumberStyle } {
  const places = Math.log10(NS_PER_UNIT[unit]);
  return {
    count: openMetrics ? { as: 'open count', places: 0 } : GO,
    sum: { as: openMetrics ? 'open float' : 'go', places },
  };
}

/** A line up to its labels. Names that need quotes stand among them. */
export function lineStart(name: string, suffix: string): Buffer {
  const full = `${name}${suffix}`;
  const quoted = quoteName(full);
  return Buffer.from(quoted === full ? `${full}{` : `{${quoted},`);
}
