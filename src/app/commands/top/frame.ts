import type { QueriedTable } from '../../../clickhouse/client.ts';
import { renderTable } from '../query/render.ts';

export const SORTS = ['rate', 'errors', 'error_share', 'p95'] as const;
export type Sort = (typeof SORTS)[number];

/** What is shown; keys change it. */
export interface View {
  /** undefined = all. */
  readonly service: string | undefined;
  readonly rows: 'services' | 'operations';
  readonly sort: Sort;
}

const KEYS: Readonly<Record<string, Sort>> = { r: 'rate', e: 'errors', s: 'error_share', p: 'p95' };

/** 'quit', the view after a key, or undefined where it means nothing. */
export function afterKey(view: View, key: string): View | 'quit' | undefined {
  if (key === 'q' || key === '\x03') return 'quit';
  if (key === 'o' && view.service === undefined) {
    return { ...view, rows: view.rows === 'services' ? 'operations' : 'services' };
  }
  const sort = KEYS[key];
  return sort === undefined ? undefined : { ...view, sort };
}

export interface Shown {
  readonly view: View;
  /** As `services` or `operations` answers. */
  readonly table: QueriedTable | undefined;
  readonly windowText: string;
  readonly untilMs: number;
  /** Of the last try that failed. */
  readonly problem: string | undefined;
}

/** The lines of a picture, the heading first. */
export function frame(shown: Shown): string[] {
  const lines = [headingOf(shown)];
  if (shown.problem !== undefined) lines.push(`ClickHouse does not answer: ${shown.problem}`);
  lines.push('');
  if (shown.table === undefined) return [...lines, 'asking ...'];
  if (shown.table.rows.length === 0) return [...lines, 'no spans'];
  return [...lines, ...renderTable(tidied(shown.table), 'table').split('\n')];
}

export const KEYS_LINE =
  'sort by: r rate, e errors, s error share, p p95   o services or operations   q quit';

const TITLES: Readonly<Record<Sort, string>> = {
  rate: 'rate',
  errors: 'errors',
  error_share: 'error share',
  p95: 'p95',
};

function headingOf({ view, windowText, untilMs }: Shown): string {
  const what = view.service === undefined ? view.rows : `operations of ${view.service}`;
  const until = new Date(untilMs).toISOString().slice(11, 19);
  return `${what} by ${TITLES[view.sort]}, ${windowText} until ${until} UTC`;
}

/** Few columns with short names and as many digits as people read. */
const COLUMNS: Readonly<
  Record<string, { readonly title: string; readonly digits?: number; readonly times?: number }>
> = {
  service: { title: 'service' },
  operation: { title: 'operation' },
  kind: { title: 'kind' },
  calls_per_s: { title: 'calls/s', digits: 2 },
  errors_per_s: { title: 'errors/s', digits: 2 },
  error_share: { title: 'errors %', digits: 2, times: 100 },
  p50_ms: { title: 'p50 ms', digits: 1 },
  p95_ms: { title: 'p95 ms', digits: 1 },
  p99_ms: { title: 'p99 ms', digits: 1 },
};

function tidied({ columns, rows, serverMs }: QueriedTable): QueriedTable {
  const kept = columns.flatMap(({ name, type }, i) => {
    const column = COLUMNS[name];
    return column === undefined ? [] : [{ ...column, type, i }];
  });
  return {
    columns: kept.map(({ title, type }) => ({ name: title, type })),
    rows: rows.map((row) =>
      kept.map(({ i, digits, times = 1 }) => {
        const value = row[i];
        return digits === undefined || typeof value !== 'number' ? value : (value * times).toFixed(digits);
      }),
    ),
    serverMs,
  };
}
