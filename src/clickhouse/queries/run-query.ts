import { SpanweirError } from '../../base/errors.ts';
import { type ClickHouse, type QueriedTable, quoted } from '../client.ts';
import type { NamedQuery } from './query-file.ts';
import {
  grainKeptAt,
  type KeptS,
  LEAST_ROUGH_S,
  openEnd,
  planRollups,
  type RangeS,
  roughGrain,
  usualStep,
  wholeWindows,
} from './rollups.ts';
import { type BoundValues, bindValues } from './values.ts';

export interface QueryContext {
  readonly nowMs: number;
  /** How long the RED tables are kept. */
  readonly kept: KeptS;
}

/** A statement that ClickHouse can run, and the values of the parameters in it. */
export interface BoundQuery {
  readonly sql: string;
  readonly values: Readonly<Record<string, string | number>>;
}

const USED = /\{\{SPAN_METRICS(?: versus| last (\d+)([mhd]))?\}\}/g;
const UNIT_S: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400 };

/** Runs a named query. @throws SpanweirError: BAD_DATA for a wrong value, otherwise as the client does */
export async function runQuery(
  client: ClickHouse,
  query: NamedQuery,
  given: Readonly<Record<string, string>>,
  context: QueryContext,
): Promise<QueriedTable> {
  const { sql, values } = bindQuery(query, await named(client, query, given), context, client.database);
  return client.queryTable(sql, values);
}

/** With the connector that is meant where none is given: looking it up within the statement is slower. */
async function named(
  client: ClickHouse,
  query: NamedQuery,
  given: Readonly<Record<string, string>>,
): Promise<Readonly<Record<string, string>>> {
  const isMissing = query.sql.includes('{{SPAN_METRICS') && (given['connector'] ?? '') === '';
  if (!isMissing) return given;
  const [row] = await client.query<{ first: string }>(
    `SELECT min(Connector) AS first FROM ${quoted(client.database)}.span_metrics_1d`,
  );
  return { ...given, connector: row?.first ?? '' };
}

/**
 * Fills in a query. `{{SPAN_METRICS}}` becomes the rows of the RED tables from `from` to `to`, each part of the range
 * from the coarsest table that has it exactly; `{{SPAN_METRICS versus}}` those of the range that is `versus` before, and
 * `{{SPAN_METRICS last 5m}}` those of the last minutes before `to`. The ends are moved to whole windows (see alignRange), and
 * the values of `from` and `to` with them.
 */
export function bindQuery(
  query: NamedQuery,
  given: Readonly<Record<string, string>>,
  context: QueryContext,
  database: string,
): BoundQuery {
  const bound = bindValues(query, given, context.nowMs);
  const [from, to] = [bound.get('from'), bound.get('to')];
  if (typeof from === 'number' && typeof to === 'number' && from >= to) {
    throw new SpanweirError('BAD_DATA', 'from has to come before to');
  }
  const ranges = query.sql.includes('{{SPAN_METRICS') ? alignRange(query, given, bound, context) : undefined;
  const connector =
    bound.get('connector') === ''
      ? `Connector = (SELECT min(Connector) FROM ${quoted(database)}.span_metrics_1d)`
      : 'Connector = {connector:String}';
  const sql = query.sql.replaceAll(USED, (used, last?: string, unit = '') => {
    const { fromS, toS, readToS, shiftS, stepS } = ranges as Aligned;
    if (last !== undefined) {
      const lengthS = Number(last) * (UNIT_S[unit] as number);
      return redRows({ fromS: toS - lengthS, toS }, undefined, database, connector);
    }
    const shift = used.includes('versus') ? shiftS : 0;
    return redRows({ fromS: fromS - shift, toS: readToS - shift }, stepS, database, connector);
  });
  const text = sql.replaceAll('{{DB}}', quoted(database));
  // Values that only say where to read are not the server's to know.
  const values = [...bound].filter(([name]) => text.includes(`{${name}:`));
  return { sql: text, values: Object.fromEntries(values) };
}

interface Aligned extends RangeS {
  /** Behind `toS` where that is now. */
  readonly readToS: number;
  readonly shiftS: number;
  readonly stepS: number | undefined;
}

/**
 * Moves the range to whole windows that are kept wherever the query looks, and works out the step. A beginning that is
 * told as so long ago goes back to a whole minute, hour or day in long ranges, and an end that is now is where the newest
 * windows are at, however long: dashboards then read few rows of few tables. Times that are told as such are kept to 10 s.
 */
function alignRange(
  query: NamedQuery,
  given: Readonly<Record<string, string>>,
  bound: BoundValues,
  { nowMs, kept }: QueryContext,
): Aligned {
  const asked = { fromS: numberOf(bound, 'from') ?? numberOf(bound, 'to'), toS: numberOf(bound, 'to') };
  const { fromS, toS } = asked;
  if (fromS === undefined || toS === undefined) {
    throw new SpanweirError('START', `sql/queries/${query.name}.sql: RED rows need a param to`);
  }
  const written = (name: string): string =>
    given[name] ?? query.parameters.find((parameter) => parameter.name === name)?.initial ?? '';
  const versus = numberOf(bound, 'versus');
  const isOpen = written('to') === 'now' && versus === undefined && toS - fromS >= LEAST_ROUGH_S;
  const isRough = /^[\d.]+[a-z]/.test(written('from'));
  const keptS = grainKeptAt(fromS - (versus ?? 0), Math.floor(nowMs / 1000), kept);
  const hasStep = query.parameters.some(({ name }) => name === 'step');
  const stepS = hasStep ? (numberOf(bound, 'step') ?? usualStep({ fromS, toS }, keptS)) : undefined;
  if (stepS !== undefined && (stepS === 0 || stepS % keptS !== 0)) {
    throw new SpanweirError(
      'BAD_DATA',
      `step ${stepS} s: expected a multiple of ${keptS} s, since the tables have no finer windows that far back`,
    );
  }
  const grainS = Math.max(keptS, isRough ? roughGrain({ fromS, toS }) : 0);
  const begin = wholeWindows({ fromS, toS }, grainS, stepS).fromS;
  const end = isOpen ? toS : wholeWindows({ fromS, toS }, keptS, stepS).toS;
  if (bound.has('from')) bound.set('from', begin);
  bound.set('to', end);
  if (stepS !== undefined) bound.set('step', stepS);
  const shiftS = Math.ceil((versus ?? 0) / keptS) * keptS;
  return { fromS: begin, toS: end, readToS: isOpen ? openEnd(end) : end, shiftS, stepS };
}

function numberOf(bound: BoundValues, name: string): number | undefined {
  const value = bound.get(name);
  return typeof value === 'number' ? value : undefined;
}

const COLUMNS =
  'Ts, ServiceName, SpanKind, SpanName, StatusCode, Dims, Spans, Calls, WeightSquares, WeightMax, DurationSumNs, DurationMaxNs, Hist';

/** One part a table, since each costs planning: most ranges have two ends in the finer ones. */
function redRows(range: RangeS, stepS: number | undefined, database: string, connector: string): string {
  const db = quoted(database);
  const pieces = planRollups(range, stepS);
  const parts = [...new Set(pieces.map(({ table }) => table))].map((table) => {
    const ranges = pieces
      .filter((piece) => piece.table === table)
      .map(({ fromS, toS }) => `Ts >= toDateTime(${fromS}) AND Ts < toDateTime(${toS})`);
    const when = ranges.length === 1 ? ranges[0] : `(${ranges.join(' OR ')})`;
    return `SELECT ${COLUMNS} FROM ${db}.${table} WHERE ${when} AND ${connector}`;
  });
  const none = `SELECT ${COLUMNS} FROM ${db}.span_metrics_1d WHERE 0`;
  return `(${(parts.length === 0 ? [none] : parts).join('\n    UNION ALL ')})`;
}
