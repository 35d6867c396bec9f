/** What can be wrong; the label of spanweir_verify_problems. */
export const KINDS = [
  /** Offsets between two blocks that no block has. */
  'gap',
  /** Offsets that two blocks have. */
  'overlap',
  /** One block, table and day with more than one row in the log. */
  'logged_twice',
  /** Fewer spans than the log says. */
  'missing',
  /** More spans than the log says. */
  'surplus',
  /** As many spans as the log says, but other ones. */
  'altered',
  /** Spans of which the log knows nothing. */
  'unlogged',
] as const;

export type Kind = (typeof KINDS)[number];

export interface Finding {
  readonly kind: Kind;
  readonly table: string;
  /** clusterId/topic; '' = spans that came in requests. Undefined where the table does not tell them apart. */
  readonly source?: string;
  readonly partition?: number;
  /** Both belong to the range. */
  readonly firstOffset?: number;
  readonly lastOffset?: number;
  /** UTC. */
  readonly day?: string;
  readonly traceId?: string;
  /** Spans by the log (for trace_summary: by otel_traces), and spans there. */
  readonly expected?: number;
  readonly found?: number;
  readonly text: string;
}

/** Something that can't be judged now, because it is being written or its writer is gone. */
export type Open = Omit<Finding, 'kind'>;

/** What was compared with what, as lines of two tables. */
export interface ComparedPartition {
  readonly source: string;
  readonly partition: number | undefined;
  readonly blocks: number;
  readonly firstOffset: number | undefined;
  readonly lastOffset: number | undefined;
  expected: number;
  found: number;
}

export interface ComparedTable {
  readonly table: string;
  readonly days: number;
  readonly expected: number;
  readonly found: number;
}

/** The outcome of one look at a database. */
export interface Report {
  readonly days: readonly string[];
  readonly partitions: readonly ComparedPartition[];
  readonly tables: readonly ComparedTable[];
  readonly findings: readonly Finding[];
  readonly open: readonly Open[];
  /** What was not looked at, and why. */
  readonly leftOut: readonly string[];
  readonly seconds: number;
}

/** Equal for the same trouble in two looks at a database that goes on being written. */
export function keyOf(finding: Finding): string {
  const { kind, table, expected = 0, found = 0 } = finding;
  return [kind, table, placeOf(finding), found - expected].join(' ');
}

export function placeOf({ source, partition, firstOffset, lastOffset, day, traceId }: Open): string {
  const from = source === '' ? 'requests' : source;
  const where = partition === undefined ? from : `${from}:${partition}`;
  const range = firstOffset === undefined ? undefined : `[${firstOffset}, ${lastOffset}]`;
  const trace = traceId === undefined ? undefined : `trace ${traceId}`;
  return [where, range, day, trace].filter((part) => part !== undefined).join(' ');
}

/** For people. `limit` = most lines of findings. */
export function renderReport(report: Report, what: string, limit: number): string[] {
  const { partitions, tables, findings, open, leftOut, days } = report;
  const lines = [`${what}, ${daysText(days)}`, ''];
  if (partitions.length > 0) {
    const rows = partitions.map((one) => [
      one.source === '' ? 'requests' : one.source,
      one.partition === undefined ? '-' : String(one.partition),
      String(one.blocks),
      one.firstOffset === undefined ? '-' : `${one.firstOffset} - ${one.lastOffset}`,
      String(one.expected),
      String(one.found),
    ]);
    lines.push(
      ...aligned([['source', 'partition', 'blocks', 'offsets', 'spans logged', 'spans found'], ...rows]),
      '',
    );
  }
  if (tables.length > 0) {
    const rows = tables.map((one) => [one.table, String(one.days), String(one.expected), String(one.found)]);
    lines.push(...aligned([['table', 'days', 'spans expected', 'spans found'], ...rows]), '');
  }
  lines.push(...section('Problems', findings.map(findingLine), limit));
  lines.push(...section('Open', open.map(openLine), limit));
  lines.push(...section('Left out', leftOut, limit));
  lines.push(verdict(report));
  return lines;
}

function findingLine(finding: Finding): string {
  return `${finding.kind.padEnd(12)} ${finding.table.padEnd(19)} ${placeOf(finding)}: ${finding.text}`;
}

function openLine(open: Open): string {
  return `${open.table} ${placeOf(open)}: ${open.text}`;
}

function section(title: string, lines: readonly string[], limit: number): string[] {
  if (lines.length === 0) return [];
  const shown = lines.slice(0, limit).map((line) => `  ${line}`);
  if (lines.length > limit) shown.push(`  and ${lines.length - limit} more (--limit)`);
  return [title, ...shown, ''];
}

function daysText(days: readonly string[]): string {
  if (days.length === 0) return 'no days with spans';
  const [first] = days;
  return days.length === 1 ? `day ${first} (UTC)` : `${days.length} days, ${first} to ${days.at(-1)} (UTC)`;
}

export function verdict({ partitions, tables, findings, open, days, seconds }: Report): string {
  const blocks = partitions.reduce((sum, one) => sum + one.blocks, 0);
  const spans = partitions.reduce((sum, one) => sum + one.found, 0);
  const compared = `${spans} spans of ${blocks} blocks, ${days.length} days, ${tables.length} more tables`;
  const said = findings.length === 0 ? 'All right' : `${findings.length} problems`;
  const moving = open.length === 0 ? '' : `, ${open.length} open`;
  return `${said}${moving}: compared ${compared} in ${seconds.toFixed(1)} s`;
}

/** The first column to the left, numbers to the right. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] as readonly string[]).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] as string).length)),
  );
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  '),
  );
}
