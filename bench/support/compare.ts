import type { Ledger, SeriesTotals } from '../ledger.ts';
import type { Samples } from './exposition.ts';

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const STATUSES = ['UNSET', 'OK', 'ERROR'];

const LABELS = ['service_name', 'span_name', 'span_kind', 'status_code'].map(
  (name) => new RegExp(`[{,]${name}="([^"]*)"`),
);

/** Calls per `service|operation|kind|status`, as the collector's names and labels show them. */
export function callsBySeries(
  samples: Samples,
  name = 'traces_span_metrics_calls_total',
): Map<string, number> {
  const calls = new Map<string, number>();
  for (const [key, value] of samples) {
    if (!key.startsWith(`${name}{`)) continue;
    const series = labelledSeries(key);
    calls.set(series, (calls.get(series) ?? 0) + value);
  }
  return calls;
}

/** `service|operation|kind|status` of a line of the page. */
export function labelledSeries(line: string): string {
  const [service, operation, kind, status] = LABELS.map((label) => label.exec(line)?.[1] ?? '');
  return `${service}|${operation}|${kind}|${status}`;
}

export function seriesName({ service, operation, kind, status }: SeriesTotals): string {
  return `${service}|${operation}|SPAN_KIND_${KINDS[kind]}|STATUS_CODE_${STATUSES[status]}`;
}

/** What differs between the ledger, counted `times` over, and a count by series; [] when they are equal. */
export function differences(ledger: Ledger, counted: ReadonlyMap<string, number>, times = 1): string[] {
  const found: string[] = [];
  const expected = new Map(
    ledger.series.filter(({ spans }) => spans > 0).map((s) => [seriesName(s), s.spans * times]),
  );
  for (const [series, spans] of expected) {
    const seen = counted.get(series) ?? 0;
    if (seen !== spans) found.push(`${series}: ${spans} sent, ${seen} counted`);
  }
  for (const [series, spans] of counted) {
    if (!expected.has(series)) found.push(`${series}: never sent, ${spans} counted`);
  }
  return found;
}
