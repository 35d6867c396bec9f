import { NS_PER_UNIT, type RedDescription } from '../../red/red-description.ts';
import { formatGo, formatOpenMetrics } from './go-number.ts';
import { LineWriter } from './line-writer.ts';
import type { MetricNames } from './names.ts';
import { escapeName, quoteName } from './names.ts';
import type { Format } from './negotiate.ts';
import type { LabelBodies, SeriesStore } from './series-store.ts';

/** What one connector shows. */
export interface PageSource {
  readonly description: RedDescription;
  readonly names: MetricNames;
  readonly store: SeriesStore;
}

export interface PageRequest {
  readonly format: Format;
  readonly sources: readonly PageSource[];
  /** Label bodies of target_info, escaped as the format wants it; under `targetInfo` as a name. */
  readonly targets: readonly string[];
  readonly targetInfo: string;
  /** Written behind every value when the exporter is to send timestamps. */
  readonly timestampMs: number | undefined;
}

/** Longest number, timestamp and punctuation in a line. */
const REST_OF_LINE = 96;

/**
 * A page of metrics as chunks. Every chunk is one of two buffers by turns: it may be used until the
 * next but one is asked for. Between two chunks others may run; the numbers must stay as they are meanwhile.
 */
export function* renderPage(request: PageRequest, chunkBytes = 1 << 18): Generator<Buffer, void, void> {
  const { openMetrics } = request.format;
  const families = familiesOf(request).sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = new LineWriter(Math.max(chunkBytes, 2 * longestLine(request)));
  for (const { head, body } of families) {
    for (const line of head) {
      if (lines.isFull(Buffer.byteLength(line))) yield lines.take();
      lines.text(line);
    }
    yield* body(lines);
  }
  if (openMetrics) {
    if (lines.isFull(REST_OF_LINE)) yield lines.take();
    lines.text('# EOF\n');
  }
  if (lines.used > 0) yield lines.take();
}

interface Family {
  readonly name: string;
  readonly head: readonly string[];
  readonly body: (lines: LineWriter) => Generator<Buffer, void, void>;
}

function familiesOf(request: PageRequest): Family[] {
  const { format, sources, targets, targetInfo } = request;
  const families: Family[] = [];
  const named = (name: string): string => escapeName(name, format.escaping);
  const tail = timestampText(request);
  if (targets.length > 0) {
    const name = named(targetInfo);
    families.push({
      name,
      head: head(name, 'gauge', 'Target metadata', format),
      body: (lines) => targetLines(lines, name, { targets, tail, one: format.openMetrics ? '1.0' : '1' }),
    });
  }
  for (const { description, names, store } of sources) {
    if (store.size === 0) continue;
    const bodies = store.bodies(format.escaping);
    const calls = named(names.calls);
    const context = { store, bodies, format, tail };
    families.push({
      name: calls,
      head: head(calls, 'counter', '', format),
      body: (lines) => callsLines(lines, calls, context),
    });
    if (description.bounds === undefined) continue;
    const duration = named(names.duration);
    families.push({
      name: duration,
      head: head(duration, 'histogram', '', format),
      body: (lines) =>
        durationLines(lines, duration, { ...context, description, bounds: description.bounds ?? [] }),
    });
  }
  return families;
}

function head(name: string, type: string, help: string, { openMetrics }: Format): string[] {
  const hasTotal = name.endsWith('_total');
  const isOpenCounter = openMetrics && type === 'counter';
  const shown = quoteName(isOpenCounter && hasTotal ? name.slice(0, -'_total'.length) : name);
  return [`# HELP ${shown} ${help}\n`, `# TYPE ${shown} ${isOpenCounter && !hasTotal ? 'unknown' : type}\n`];
}

function timestampText({ timestampMs, format }: PageRequest): string {
  if (timestampMs === undefined) return '\n';
  return ` ${format.openMetrics ? formatOpenMetrics(timestampMs / 1000) : timestampMs}\n`;
}

function longestLine({ sources, targets, targetInfo, format }: PageRequest): number {
  const lengthOf = (name: string): number => Buffer.byteLength(quoteName(escapeName(name, format.escaping)));
  let labels = 0;
  let names = lengthOf(targetInfo);
  for (const body of targets) labels = Math.max(labels, Buffer.byteLength(body));
  for (const source of sources) {
    labels = Math.max(labels, source.store.bodies(format.escaping).longest);
    names = Math.max(names, lengthOf(source.names.calls), lengthOf(source.names.duration));
  }
  return labels + names + REST_OF_LINE;
}

function* targetLines(
  lines: LineWriter,
  name: string,
  { targets, tail, one }: { targets: readonly string[]; tail: string; one: string },
): Generator<Buffer, void, void> {
  const start = lineStart(name, '');
  for (const body of targets) {
    const line = `${start.toString()}${body}} ${one}${tail}`;
    if (lines.isFull(Buffer.byteLength(line))) yield lines.take();
    lines.text(line);
  }
}

interface LinesContext {
  readonly store: SeriesStore;
  readonly bodies: LabelBodies;
  readonly format: Format;
  readonly tail: string;
}

function* callsLines(lines: LineWriter, name: string, context: LinesContext): Generator<Buffer, void, void> {
  const { store, bodies, format, tail } = context;
  const start = lineStart(name, '');
  const middle = Buffer.from('} ');
  const end = Buffer.from(tail);
  const size = bodies.size;
  for (let id = 0; id < size; id++) {
    if (lines.isFull(start.length + bodies.lengthOf(id) + REST_OF_LINE)) yield lines.take();
    lines.bytes(start);
    lines.body(bodies, id);
    lines.bytes(middle);
    if (format.openMetrics) lines.ascii(formatOpenMetrics(store.calls[id] as number));
    else lines.number(store.calls[id] as number);
    lines.bytes(end);
  }
}

interface DurationContext extends LinesContext {
  readonly description: RedDescription;
  readonly bounds: readonly number[];
}

function* durationLines(
  lines: LineWriter,
  name: string,
  context: DurationContext,
): Generator<Buffer, void, void> {
  const { store, bodies, format, tail, description, bounds } = context;
  const nsPerUnit = NS_PER_UNIT[description.unit];
  const formatFloat = format.openMetrics ? formatOpenMetrics : formatGo;
  const middles = [...bounds, Number.POSITIVE_INFINITY].map((le) =>
    Buffer.from(`,le="${formatFloat(le)}"} `),
  );
  const close = Buffer.from('} ');
  const end = Buffer.from(tail);
  const bucketStart = lineStart(name, '_bucket');
  const sumStart = lineStart(name, '_sum');
  const countStart = lineStart(name, '_count');
  const width = store.bucketCount;
  const size = bodies.size;
  for (let id = 0; id < size; id++) {
    const worst = bucketStart.length + bodies.lengthOf(id) + REST_OF_LINE;
    const room = worst * (width + 2);
    if (lines.isFull(Math.min(room, lines.capacity))) yield lines.take();
    let count = 0;
    for (let bucket = 0; bucket < width; bucket++) {
      if (lines.isFull(worst)) yield lines.take();
      count += store.buckets[id * width + bucket] as number;
      lines.prefix(bucketStart, bodies, id);
      lines.bytes(middles[bucket] as Buffer);
      lines.count(count, format.openMetrics);
      lines.bytes(end);
    }
    lines.forgetPrefix();
    if (lines.isFull(2 * worst)) yield lines.take();
    lines.bytes(sumStart);
    lines.body(bodies, id);
    lines.bytes(close);
    lines.ascii(formatFloat((store.durationSumNs[id] as number) / nsPerUnit));
    lines.bytes(end);
    lines.bytes(countStart);
    lines.body(bodies, id);
    lines.bytes(close);
    lines.count(count, format.openMetrics);
    lines.bytes(end);
  }
}

/** A line up to its labels. Names that need quotes stand among them. */
function lineStart(name: string, suffix: string): Buffer {
  const full = `${name}${suffix}`;
  const quoted = quoteName(full);
  return Buffer.from(quoted === full ? `${full}{` : `{${quoted},`);
}
