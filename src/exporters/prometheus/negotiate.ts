import type { Escaping } from './names.ts';

export interface Format {
  /** Delimited messages instead of text. */
  readonly protobuf: boolean;
  readonly openMetrics: boolean;
  readonly version: string;
  readonly escaping: Escaping;
}

const ESCAPINGS: readonly string[] = ['allow-utf-8', 'underscores', 'dots', 'values'] satisfies Escaping[];

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly q: number;
}

const PROTOBUF = 'application/vnd.google.protobuf';
const MESSAGE = 'io.prometheus.client.MetricFamily';

/** What to answer to an Accept header; text 0.0.4 unless something else that we have is preferred. */
export function negotiate(accept: string | undefined, openMetricsEnabled: boolean): Format {
  let escaping: Escaping = 'underscores';
  for (const { type, parameters } of clauses(accept ?? '')) {
    const asked = parameters.get('escaping');
    if (asked !== undefined && ESCAPINGS.includes(asked)) escaping = asked as Escaping;
    const version = parameters.get('version') ?? '';
    if (
      type === PROTOBUF &&
      parameters.get('proto') === MESSAGE &&
      parameters.get('encoding') === 'delimited'
    ) {
      return { protobuf: true, openMetrics: false, version: '', escaping };
    }
    if (type === 'text/plain' && (version === '' || version === '0.0.4')) break;
    if (!openMetricsEnabled || type !== 'application/openmetrics-text') continue;
    if (version === '' || version === '0.0.1' || version === '1.0.0') {
      return { protobuf: false, openMetrics: true, version: version === '' ? '0.0.1' : version, escaping };
    }
  }
  return { protobuf: false, openMetrics: false, version: '0.0.4', escaping };
}

export function contentType({ protobuf, openMetrics, version, escaping }: Format): string {
  if (protobuf) return `${PROTOBUF}; proto=${MESSAGE}; encoding=delimited; escaping=${escaping}`;
  const type = openMetrics ? 'application/openmetrics-text' : 'text/plain';
  return `${type}; version=${version}; charset=utf-8; escaping=${escaping}`;
}

/** True when the client takes gzip (RFC 9110, 12.5.3). */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const all = clauses(acceptEncoding ?? '');
  const own =
    all.find(({ type }) => type === 'gzip' || type === 'x-gzip') ?? all.find(({ type }) => type === '*');
  return own !== undefined && own.q > 0;
}

/** Most wanted first. */
function clauses(header: string): Clause[] {
  return header
    .split(',')
    .map((text): Clause => {
      const [type = '', ...rest] = text.split(';').map((part) => part.trim());
      const parameters = new Map(
        rest.map((part) => {
          const at = part.indexOf('=');
          const value = at < 0 ? '' : part.slice(at + 1).replaceAll('"', '');
          return [(at < 0 ? part : part.slice(0, at)).toLowerCase(), value] as const;
        }),
      );
      const q = Number(parameters.get('q') ?? 1);
      return { type: type.toLowerCase(), parameters, q: Number.isFinite(q) ? q : 1 };
    })
    .sort((a, b) => b.q - a.q);
}
