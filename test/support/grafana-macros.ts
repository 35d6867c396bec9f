import type { BoardVariable } from './boards.ts';

/** What Grafana knows when it expands a query. */
export interface Moment {
  /** Unix ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Default 60. */
  readonly intervalS?: number;
  /** Of the variables; ALL stands for all of them. Where one is left out, its own first value holds. */
  readonly values?: Readonly<Record<string, string | readonly string[]>>;
  readonly variables?: readonly BoardVariable[];
}

export const ALL = '$__all';

type Value = string | readonly string[];

/** PromQL as the Prometheus data source sends it. Throws when a variable is not known. */
export function expandPromql(expr: string, moment: Moment): string {
  const intervalS = moment.intervalS ?? 60;
  const rangeS = Math.round((moment.toMs - moment.fromMs) / 1000);
  const builtIn: Readonly<Record<string, string>> = {
    // Four scrapes of 15 s at least.
    __rate_interval: `${Math.max(60, intervalS)}s`,
    __interval: `${intervalS}s`,
    __range: `${rangeS}s`,
    __range_s: String(rangeS),
  };
  return withVariables(expr, (name) => {
    const fixed = builtIn[name];
    if (fixed !== undefined) return fixed;
    const value = valueFor(name, moment);
    if (isAll(value)) return allValueOf(name, moment) ?? '.*';
    if (typeof value === 'string') return value;
    const escaped = value.map((one) => one.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\\\$&'));
    return escaped.length === 1 ? (escaped[0] as string) : `(${escaped.join('|')})`;
  });
}

/** SQL as the ClickHouse data source sends it. Throws when a variable or macro is not known. */
export function expandSql(sql: string, moment: Moment): string {
  const conditions = eachCall(sql, '$__conditionalAll', (args) => {
    const at = args.lastIndexOf(',');
    const name = args.slice(at + 1).trim();
    const value = valueFor(name.replaceAll(/[${}]/g, ''), moment);
    return isAll(value) || value === '' ? '1=1' : args.slice(0, at);
  });
  const intervalS = moment.intervalS ?? 60;
  const [from, to] = [Math.floor(moment.fromMs / 1000), Math.ceil(moment.toMs / 1000)];
  const filtered = eachCall(
    conditions,
    '$__timeFilter',
    (column) => `${column} >= toDateTime(${from}) AND ${column} <= toDateTime(${to})`,
  );
  const bucketed = eachCall(
    filtered,
    '$__timeInterval',
    (column) => `toStartOfInterval(toDateTime(${column}), INTERVAL ${intervalS} second)`,
  );
  return withVariables(bucketed, (name, format) => {
    if (name === '__interval_s') return String(intervalS);
    if (name === '__from') return String(moment.fromMs);
    if (name === '__to') return String(moment.toMs);
    const value = valueFor(name, moment);
    const values = typeof value === 'string' ? [value] : value;
    if (format === 'singlequote') return values.map((one) => `'${one.replaceAll("'", "\\'")}'`).join(',');
    return values.join(',');
  });
}

function withVariables(text: string, value: (name: string, format: string | undefined) => string): string {
  return text.replaceAll(/\$\{(\w+)(?::(\w+))?\}|\$(__)?([a-z]\w*)/g, (_, name, format, builtIn, plain) =>
    value(name ?? `${builtIn ?? ''}${plain}`, format),
  );
}

function valueFor(name: string, { values = {}, variables = [] }: Moment): Value {
  const value = values[name] ?? variables.find((each) => each.name === name)?.current?.value;
  if (value === undefined) throw new Error(`no value for $${name}`);
  return value;
}

function isAll(value: Value): boolean {
  return value === ALL || (typeof value !== 'string' && value.includes(ALL));
}

function allValueOf(name: string, { variables = [] }: Moment): string | undefined {
  return variables.find((each) => each.name === name)?.allValue;
}

/** Replaces each `macro(...)`, whose parentheses may hold more of them. */
function eachCall(text: string, macro: string, replace: (args: string) => string): string {
  let done = '';
  let rest = text;
  for (;;) {
    const at = rest.indexOf(`${macro}(`);
    if (at < 0) return done + rest;
    const start = at + macro.length + 1;
    let end = start;
    for (let depth = 1; depth > 0; end++) {
      if (end >= rest.length) throw new Error(`${macro}( is not closed: ${text}`);
      if (rest[end] === '(') depth++;
      else if (rest[end] === ')') depth--;
    }
    done += rest.slice(0, at) + replace(rest.slice(start, end - 1));
    rest = rest.slice(end);
  }
}
