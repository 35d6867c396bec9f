import { formatOpenMetrics } from './go-number.ts';
import { LineWriter } from './line-writer.ts';
import { escapeName, quoteName } from './names.ts';
import type { Format } from './negotiate.ts';
import type { Family, PageRequest } from './page-request.ts';
import { renderProtoPage } from './proto-page.ts';
import { counterLines, durationLines, type LinesContext, REST_OF_LINE, targetLines } from './text-lines.ts';

/**
 * A page of metrics as chunks. Every chunk is one of two buffers by turns: it may be used until the
 * next but one is asked for. Between two chunks others may run; the numbers must stay as they are meanwhile.
 */
export function renderPage(request: PageRequest, chunkBytes = 1 << 18): Generator<Buffer, void, void> {
  const families = familiesOf(request);
  return request.format.protobuf
    ? renderProtoPage(families, request, chunkBytes)
    : renderText(families, request, chunkBytes);
}

/** In the order in which they are shown. */
export function familiesOf({ format, sources, plain = [], targets, targetInfo }: PageRequest): Family[] {
  const families: Family[] = [...plain];
  const named = (name: string): string => escapeName(name, format.escaping);
  if (targets.length > 0) {
    const help = 'Target metadata';
    families.push({ name: named(targetInfo), type: 'gauge', help, store: undefined, source: undefined });
  }
  for (const source of sources) {
    const { names, calls, duration, events } = source;
    const common = { help: '', source };
    if (calls.size > 0) families.push({ ...common, name: named(names.calls), type: 'counter', store: calls });
    if (duration !== undefined && duration.size > 0) {
      families.push({ ...common, name: named(names.duration), type: 'histogram', store: duration });
    }
    if (events !== undefined && events.size > 0) {
      families.push({ ...common, name: named(names.events), type: 'counter', store: events });
    }
  }
  return families.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function* renderText(
  families: readonly Family[],
  request: PageRequest,
  chunkBytes: number,
): Generator<Buffer, void, void> {
  const { openMetrics } = request.format;
  const lines = lineWriterFor(families, request, chunkBytes);
  for (const family of families) {
    for (const line of headOf(family, request.format)) {
      if (lines.isFull(Buffer.byteLength(line))) yield lines.take();
      lines.text(line);
    }
    yield* bodyOf(lines, family, request);
  }
  if (openMetrics) {
    if (lines.isFull(REST_OF_LINE)) yield lines.take();
    lines.text('# EOF\n');
  }
  if (lines.used > 0) yield lines.take();
}

function bodyOf(lines: LineWriter, family: Family, request: PageRequest): Generator<Buffer, void, void> {
  const context = linesContextOf(family, request);
  if (context === undefined) return targetInfoLines(lines, family, request);
  return family.type === 'histogram'
    ? durationLines(lines, context, family.source?.bounds ?? [])
    : counterLines(lines, context);
}

/** Undefined for target_info. */
export function linesContextOf(family: Family, request: PageRequest): LinesContext | undefined {
  const { format, seen } = request;
  const { name, store, source } = family;
  if (store === undefined || source === undefined) return undefined;
  return {
    name,
    store,
    bodies: store.bodies(format.escaping),
    format,
    tail: timestampText(request),
    seen,
    created: format.openMetrics && request.created,
    exemplars: format.openMetrics ? store.exemplars : undefined,
    unit: source.unit,
  };
}

export function targetInfoLines(
  lines: LineWriter,
  { name }: Family,
  request: PageRequest,
): Generator<Buffer, void, void> {
  const one = request.format.openMetrics ? '1.0' : '1';
  const targets = request.targets as readonly string[];
  return targetLines(lines, name, { targets, tail: timestampText(request), one });
}

/** The lines before those of its series. */
export function headOf({ name, type, help }: Family, { openMetrics }: Format): string[] {
  const hasTotal = name.endsWith('_total');
  const isOpenCounter = openMetrics && type === 'counter';
  const shown = quoteName(isOpenCounter && hasTotal ? name.slice(0, -'_total'.length) : name);
  return [`# HELP ${shown} ${help}\n`, `# TYPE ${shown} ${isOpenCounter && !hasTotal ? 'unknown' : type}\n`];
}

function timestampText({ timestampMs, format }: PageRequest): string {
  if (timestampMs === undefined) return '\n';
  return ` ${format.openMetrics ? formatOpenMetrics(timestampMs / 1000) : timestampMs}\n`;
}

/** With room for the three longest lines: as many may be written at once. */
export function lineWriterFor(
  families: readonly Family[],
  { targets, format }: PageRequest,
  chunkBytes: number,
): LineWriter {
  let labels = 0;
  let names = 0;
  for (const body of targets) labels = Math.max(labels, Buffer.byteLength(body));
  for (const { name, store } of families) {
    names = Math.max(names, Buffer.byteLength(quoteName(name)));
    labels = Math.max(labels, store?.bodies(format.escaping).longest ?? 0);
  }
  return new LineWriter(Math.max(chunkBytes, 3 * (labels + names + REST_OF_LINE)));
}
