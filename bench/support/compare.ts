import type { Ledger, SeriesTotals } from '../ledger.ts';
import type { Samples } from './exposition.ts';

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const STATUSES = ['UNSET', 'OK', 'ERROR'];

/** Calls per `service|operation|kind|status`, as the collector's names and labels show them. */
export function callsBySeries(
  samples: Samples,
  name = 'traces_span_metrics_calls_total',
): Map<string, number> {
  const calls = new Map<string, number>();
  for (const [key, value] of samples) {
    if (!key.startsWith(`${name}{`)) continue;
    const label = (label: string): string => new RegExp(`[{,]${label}="([^"]*)"`).exec(key)?.[1] ?? '';
    const series = [label('service_name'), label('span_name'), label('span_kind'), label('status_code')].join(
      '|',
    );
    calls.set(series, (calls.get(series) ?? 0) + value);
  }
  return calls;
}

export function seriesName({ service, operation, kind, status }: SeriesTotals): string {
  return `${service}|${operation}|SPAN_KIND_${KINDS[kind]}|STATUS_CODE_${STATUSES[status]}`;
}

/** What differs between the ledger and a count by series; [] when they are equal. */
export function differences(ledger: Ledger, counted: ReadonlyMap<string, number>): string[] {
  const found: string[] = [];
  const expected = new Map(
    ledger.series.filter(({ spans }) => spans > 0).map((s) => [seriesName(s), s.spans]),
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
