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
  const families = familiesOf(request).sort((a, b) => (a.name < b.name ? -1 : 1));
  return request.format.protobuf
    ? renderProtoPage(families, request, chunkBytes)
    : renderText(families, request, chunkBytes);
}

function familiesOf({ format, sources, plain = [], targets, targetInfo }: PageRequest): Family[] {
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
  return families;
}

function* renderText(
  families: readonly Family[],
  request: PageRequest,
  chunkBytes: number,
): Generator<Buffer, void, void> {
  const { openMetrics } = request.format;
  const lines = new LineWriter(Math.max(chunkBytes, 2 * longestLine(families, request)));
  for (const family of families) {
    for (const line of head(family, request.format)) {
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
  const { format, seen } = request;
  const { name, store, source } = family;
  const tail = timestampText(request);
  if (store === undefined || source === undefined) {
    const one = format.openMetrics ? '1.0' : '1';
    return targetLines(lines, name, { targets: request.targets as readonly string[], tail, one });
  }
  const context: LinesContext = {
    name,
    store,
    bodies: store.bodies(format.escaping),
    format,
    tail,
    seen,
    created: format.openMetrics && request.created,
    exemplars: format.openMetrics ? store.exemplars : undefined,
    unit: source.unit,
  };
  return family.type === 'histogram'
    ? durationLines(lines, context, source.bounds)
    : counterLines(lines, context);
}

function head({ name, type, help }: Family, { openMetrics }: Format): string[] {
  const hasTotal = name.endsWith('_total');
  const isOpenCounter = openMetrics && type === 'counter';
  const shown = quoteName(isOpenCounter && hasTotal ? name.slice(0, -'_total'.length) : name);
  return [`# HELP ${shown} ${help}\n`, `# TYPE ${shown} ${isOpenCounter && !hasTotal ? 'unknown' : type}\n`];
}

function timestampText({ timestampMs, format }: PageRequest): string {
  if (timestampMs === undefined) return '\n';
  return ` ${format.openMetrics ? formatOpenMetrics(timestampMs / 1000) : timestampMs}\n`;
}

function longestLine(families: readonly Family[], { targets, format }: PageRequest): number {
  let labels = 0;
  let names = 0;
  for (const body of targets) labels = Math.max(labels, Buffer.byteLength(body));
  for (const { name, store } of families) {
    names = Math.max(names, Buffer.byteLength(quoteName(name)));
    labels = Math.max(labels, store?.bodies(format.escaping).longest ?? 0);
  }
  return labels + names + REST_OF_LINE;
}
