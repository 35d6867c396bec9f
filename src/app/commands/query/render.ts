import type { QueriedTable } from '../../../clickhouse/client.ts';

export const FORMATS = ['table', 'json', 'csv'] as const;
export type Format = (typeof FORMATS)[number];

export function renderTable(table: QueriedTable, format: Format): string {
  if (format === 'json') return asJson(table);
  return format === 'csv' ? asCsv(table) : asTable(table);
}

/** Columns side by side, numbers to the right; a value that is not known is a dash. */
function asTable({ columns, rows }: QueriedTable): string {
  const numeric = columns.map(({ type }) => isNumber(type));
  const cells = [columns.map(({ name }) => name), ...rows.map((row) => row.map(text))];
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => widthOf(row[i] ?? ''))));
  return cells
    .map((row) =>
      row
        .map((cell, i) => {
          const gap = ' '.repeat((widths[i] as number) - widthOf(cell));
          return numeric[i] ? gap + cell : cell + gap;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function widthOf(shown: string): number {
  return Array.from(shown).length;
}

function isNumber(type: string): boolean {
  return /^(Nullable\()?(U?Int|Float|Decimal)/.test(type);
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '-';
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  // A name from a span may hold anything; what moves the cursor or breaks the line is shown as what it is.
  return shown.replaceAll(/\p{Cc}/gu, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** An array of objects. 64-bit integers are numbers where those are exact, else texts. */
function asJson({ columns, rows }: QueriedTable): string {
  const objects = rows.map((row) =>
    Object.fromEntries(columns.map(({ name, type }, i) => [name, jsonValue(row[i], type)])),
  );
  if (objects.length === 0) return '[]';
  return `[\n${objects.map((object) => `  ${JSON.stringify(object)}`).join(',\n')}\n]`;
}

function jsonValue(value: unknown, type: string): unknown {
  if (typeof value !== 'string' || !/^(Nullable\()?U?Int/.test(type)) return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** RFC 4180, with a line of names; a value that is not known is empty. */
function asCsv({ columns, rows }: QueriedTable): string {
  const lines = [columns.map(({ name }) => name), ...rows];
  return lines.map((row) => row.map(csvCell).join(',')).join('\r\n');
}

function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const plain = typeof value === 'string' ? value : JSON.stringify(value);
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
