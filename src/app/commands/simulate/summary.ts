import { type Measures, measure, measuredFromS } from '../../../sampling/simulator/measures.ts';
import type { Scenario } from '../../../sampling/simulator/scenario.ts';
import type { OperationSeries } from '../../../sampling/simulator/series.ts';

export interface OperationSummary extends Measures {
  readonly service: string;
  readonly operation: string;
  /** Means over the whole run, per second. */
  readonly rate: number;
  readonly sampled: number;
  readonly lowerBound: number;
  /** Served at the end. */
  readonly probability: number;
}

/** `fromS`: where measuring begins; undefined = where each operation's own traffic says. */
export function summarize(
  scenario: Scenario,
  series: readonly OperationSeries[],
  fromS: number | undefined,
): readonly OperationSummary[] {
  return series.map((one, i) => {
    const steps = scenario.operations[i]?.rate ?? [];
    return {
      service: one.service,
      operation: one.operation,
      rate: meanOf(one.rate),
      sampled: meanOf(one.sampled),
      lowerBound: meanOf(one.lowerBound),
      probability: one.probability.at(-1) ?? Number.NaN,
      ...measure(one, fromS ?? measuredFromS(steps, scenario.events)),
    };
  });
}

function meanOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? 0 : sum / values.length;
}

export const HEADER = [
  'operation',
  'requests/s',
  'sampled/s',
  'bound/s',
  'p at end',
  'target/s',
  'settled',
  'peak',
  'excess',
  'deficit',
  'steady RMS',
] as const;

/** Lines of a table, the busiest operations first, `most` of them. */
export function summaryTable(summaries: readonly OperationSummary[], most: number): string[] {
  const shown = summaries.toSorted((a, b) => b.rate - a.rate).slice(0, most);
  const rows = shown.map(summaryCells);
  if (summaries.length > 1) rows.push(totalOf(summaries));
  const widths = HEADER.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  const lines = [line(HEADER), ...rows.map(line)];
  if (shown.length < summaries.length) lines.push(`(${summaries.length - shown.length} more operations)`);
  return lines;
}

/** In the order of HEADER. */
export function summaryCells(one: OperationSummary): string[] {
  return [
    shortened(`${one.service} / ${one.operation}`),
    significant(one.rate),
    significant(one.sampled),
    significant(one.lowerBound),
    significant(one.probability),
    significant(one.target),
    settled(one.settlingS),
    Number.isNaN(one.peak) ? '-' : `${significant(one.peak)}x`,
    whole(one.excess),
    whole(one.deficit),
    Number.isNaN(one.steadyRms) ? '-' : `${(one.steadyRms * 100).toFixed(1)} %`,
  ];
}

function totalOf(summaries: readonly OperationSummary[]): string[] {
  const sum = (of: (one: OperationSummary) => number): string =>
    significant(summaries.reduce((total, one) => total + of(one), 0));
  const totals = [
    sum(({ rate }) => rate),
    sum(({ sampled }) => sampled),
    sum(({ lowerBound }) => lowerBound),
  ];
  return [`all ${summaries.length}`, ...totals];
}

const MAX_NAME = 40;

function shortened(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - 1)}…`;
}

/** Three significant digits, never as a power of ten. */
export function significant(value: number): string {
  if (Number.isNaN(value)) return '-';
  if (!Number.isFinite(value)) return 'never';
  if (value === 0) return '0';
  const digits = Math.max(0, Math.min(8, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value
    .toFixed(digits)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

function settled(seconds: number): string {
  if (Number.isNaN(seconds)) return '-';
  return Number.isFinite(seconds) ? `${(seconds / 60).toFixed(1)} min` : 'never';
}

function whole(value: number): string {
  return Number.isNaN(value) ? '-' : String(Math.round(value));
}

/** As JSON; what is unknown or never happens is null. */
export function summaryJson(one: OperationSummary): Readonly<Record<string, string | number | null>> {
  const number = (value: number): number | null => (Number.isFinite(value) ? value : null);
  return {
    service: one.service,
    operation: one.operation,
    rate: number(one.rate),
    sampled: number(one.sampled),
    lower_bound: number(one.lowerBound),
    probability: number(one.probability),
    measured_from: number(one.fromS),
    target: number(one.target),
    settling_s: number(one.settlingS),
    peak: number(one.peak),
    excess: number(one.excess),
    deficit: number(one.deficit),
    steady_rms: number(one.steadyRms),
  };
}
