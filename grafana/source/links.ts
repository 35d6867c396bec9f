/** Dashboards by uid, which is also their file's name. */
export const UIDS = {
  service: 'spanweir-service-performance',
  sampling: 'spanweir-sampling',
  traces: 'spanweir-trace-explorer',
  graph: 'spanweir-service-graph',
  engine: 'spanweir-engine',
  slo: 'spanweir-slo',
} as const;

const RANGE = '${__url_time_range}';

/** Values are encoded by Grafana. */
export function toService(service: string, operation = 'All'): string {
  return `/d/${UIDS.service}?${RANGE}&var-service=${service}&var-operation=${operation}`;
}

export function toTrace(traceId: string): string {
  return `/d/${UIDS.traces}?${RANGE}&var-trace_id=${traceId}`;
}

export function toSampling(service: string): string {
  return `/d/${UIDS.sampling}?${RANGE}&var-service=${service}`;
}

/** The cell of the same row in another column. */
export function cell(column: string): string {
  return `\${__data.fields["${column}"]}`;
}
