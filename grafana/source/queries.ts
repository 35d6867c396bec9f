import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';

/** Every dashboard has a variable for each data source that it asks. */
export const PROMETHEUS = { type: 'prometheus', uid: '${prometheus}' };
export const CLICKHOUSE = { type: 'grafana-clickhouse-datasource', uid: '${clickhouse}' };

/** The span_metrics connector's names as they come with its defaults. */
export const CALLS = 'traces_span_metrics_calls_total';
export const DURATION = 'traces_span_metrics_duration_milliseconds';
export const ERROR = 'status_code="STATUS_CODE_ERROR"';

/** The service_graph connector's. */
export const EDGE_CALLS = 'traces_service_graph_request_total';
export const EDGE_FAILURES = 'traces_service_graph_request_failed_total';
export const EDGE_SECONDS = 'traces_service_graph_request_server_seconds';

/** Over time. */
export function prom(refId: string, expr: string, legend = '__auto'): DataqueryBuilder {
  return new DataqueryBuilder().datasource(PROMETHEUS).refId(refId).expr(expr).legendFormat(legend).range();
}

/** Over time, with the traces that stand for the numbers. */
export function promWithExemplars(refId: string, expr: string, legend: string): DataqueryBuilder {
  return prom(refId, expr, legend).exemplar(true);
}

/** Now: one row a series. */
export function promNow(refId: string, expr: string, legend = '__auto'): DataqueryBuilder {
  return new DataqueryBuilder()
    .datasource(PROMETHEUS)
    .refId(refId)
    .expr(expr)
    .legendFormat(legend)
    .instant()
    .format(PromQueryFormat.Table);
}

/** `expr` gives buckets by `le`. */
export function promBuckets(refId: string, expr: string): DataqueryBuilder {
  return prom(refId, expr, '{{le}}').format(PromQueryFormat.Heatmap);
}

/** As the plugin counts them. */
const FORMATS = { timeseries: 0, table: 1, traces: 3 } as const;

/** The SDK has no builder for the ClickHouse data source. */
interface ClickHouseQuery extends Dataquery {
  readonly datasource: typeof CLICKHOUSE;
  readonly refId: string;
  readonly editorType: 'sql';
  readonly queryType: keyof typeof FORMATS;
  readonly format: number;
  readonly rawSql: string;
  readonly pluginVersion: string;
}

function clickHouse(refId: string, queryType: keyof typeof FORMATS, sql: string): Builder<Dataquery> {
  const query: ClickHouseQuery = {
    datasource: CLICKHOUSE,
    refId,
    editorType: 'sql',
    queryType,
    format: FORMATS[queryType],
    rawSql: sql,
    pluginVersion: '4.20.0',
    _implementsDataqueryVariant: () => {},
  };
  return { build: () => query };
}

/** A column `time`, text columns that make a series each, and number columns. */
export function sqlSeries(refId: string, sql: string): Builder<Dataquery> {
  return clickHouse(refId, 'timeseries', sql);
}

export function sqlTable(refId: string, sql: string): Builder<Dataquery> {
  return clickHouse(refId, 'table', sql);
}

/** One trace, under the names that the trace panel wants. */
export function sqlTrace(refId: string, sql: string): Builder<Dataquery> {
  return clickHouse(refId, 'traces', sql);
}

/** The share of `part` in `whole`, by `labels`: 0 where there is no part, nothing where there is no whole. */
export function share(part: string, whole: string, labels: string): string {
  const by = labels === '' ? 'sum' : `sum by (${labels})`;
  return `(${by} (${part}) or 0 * ${by} (${whole})) / ${by} (${whole})`;
}

/** A sum of what may never have happened. */
export function orZero(expr: string): string {
  return `${expr} or vector(0)`;
}
