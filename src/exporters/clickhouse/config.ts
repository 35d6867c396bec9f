import { z } from 'zod';
import { duration } from '../../base/schema.ts';
import { clusterConfig } from './cluster-config.ts';

const NOT_HTTP = /^(tcp|native|clickhouse|clickhouses):\/\/([^/?]*)/;

const DEFAULT_ENDPOINT = 'http://localhost:8123';

/** `http://host:8123`; the collector's native-protocol forms are refused with the way out. */
const url = z.string().transform((text, context): string => {
  const native = NOT_HTTP.exec(text);
  const host = native?.[2]?.replace(/^.*@/, '').replace(/:\d+$/, '');
  const problem = native
    ? `ClickHouse is spoken to over HTTP only: expected http://${host}:8123 instead of ${native[1]}://`
    : httpProblem(text);
  if (problem === undefined) return text.replace(/\/$/, '');
  context.addIssue({ code: 'custom', message: problem });
  return z.NEVER;
});

function httpProblem(text: string): string | undefined {
  const url = URL.parse?.(text) ?? parseUrl(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    return 'expected a URL such as http://localhost:8123';
  }
  if (url.username !== '' || url.password !== '') return 'give username and password as options of their own';
  if (url.search !== '') return 'give settings under connection_params, not in the URL';
  return url.pathname === '/'
    ? undefined
    : 'a URL without a path is expected; `database` is an option of its own';
}

function parseUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

const tls = z
  .strictObject({
    ca_file: z.string().describe('PEM of the CA to trust'),
    cert_file: z.string().optional().describe('PEM client certificate'),
    key_file: z.string().optional().describe('PEM client key'),
  })
  .describe('trust another CA than the system does, with an https:// endpoint');

const retryOnFailure = z
  .strictObject({
    enabled: z.boolean().default(true).describe('try again when ClickHouse does not take a block'),
    initial_interval: duration('500ms').describe('first wait; it doubles'),
    max_interval: duration('10s').describe('longest wait'),
    max_elapsed_time: duration('5m').describe(
      'after this long the block goes back to the pipeline (0 = never): from Kafka it is tried again for ever',
    ),
  })
  .prefault({})
  .describe('what to do while ClickHouse can not be reached');

const tableTtls = z.strictObject({
  spans: duration('336h').describe('of otel_traces and trace_summary'),
  span_metrics_10s: duration('72h').describe('of RED metrics in windows of 10 s'),
  span_metrics_1m: duration('840h').describe('of RED metrics in minutes'),
  span_metrics_1h: duration('9600h').describe('of RED metrics in hours'),
  span_metrics_1d: duration('26280h').describe('of RED metrics in days'),
  sampling_throughput: duration('72h').describe('of what adaptive sampling saw'),
  sampling_probabilities: duration('2160h').describe('of what it decided, and why'),
  service_graph: duration('9600h').describe('of the graph of services, by month'),
});

const RED_TABLES = ['span_metrics_10s', 'span_metrics_1m', 'span_metrics_1h', 'span_metrics_1d'] as const;
const DAY_MS = 86_400_000;

/** Rows expire by whole days; a query that takes hours for an hour's minutes rests on coarser tables being kept longer. */
const ttl = z
  .union([duration().transform((spans) => ({ ...tableTtls.parse({}), spans })), tableTtls])
  .superRefine((ttls, context) => {
    const asLongAs = (ms: number): number => (ms === 0 ? Number.POSITIVE_INFINITY : ms);
    const complain = (name: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [name], message });
    for (const [name, ms] of Object.entries(ttls)) {
      if (ms < 0) complain(name, 'expected a time, or 0 for ever');
      else if (name !== 'spans' && ms > 0 && ms < DAY_MS)
        complain(name, 'expected 24h or more, or 0 for ever');
    }
    RED_TABLES.forEach((name, i) => {
      const finer = RED_TABLES[i - 1];
      if (finer === undefined || asLongAs(ttls[name]) >= asLongAs(ttls[finer])) return;
      complain(name, `expected no less than ${finer}: coarser windows are read in place of finer ones`);
    });
  })
  .prefault('336h')
  .describe('how long rows are kept, by whole days; 0 = for ever. A duration alone is that of spans');

export const clickHouseExporterConfig = z
  .strictObject({
    endpoint: url.prefault(DEFAULT_ENDPOINT).describe('HTTP interface of the server; of a cluster: left out'),
    username: z.string().default('').describe('user; empty = default'),
    password: z.string().default('').describe('its password'),
    database: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected letters, digits and _')
      .default('default')
      .describe('database of all tables; made when it is missing'),
    tls: tls.optional(),
    cluster: clusterConfig(url)
      .optional()
      .describe('several servers, each with a shard of the tables; see docs/clickhouse-cluster.md'),
    connection_params: z
      .record(z.string(), z.coerce.string())
      .default({})
      .describe('ClickHouse settings of every query; those that effect-once needs can not be changed'),
    create_schema: z
      .boolean()
      .default(true)
      .describe('bring the schema forward at the start; else `spanweir migrate` has to'),
    ttl,
    traces_table_name: z
      .literal('otel_traces')
      .default('otel_traces')
      .describe('name of the table of spans; fixed, since views and queries know it'),
    async_insert: z
      .boolean()
      .default(false)
      .describe('let the server collect small inserts')
      .meta({ instead: 'inserts are whole blocks and always synchronous' }),
    compress: z.enum(['none', 'gzip']).default('none').describe('compression of what is sent'),
    timeout: duration('60s').describe('longest wait for the answer to one insert'),
    start_timeout: duration('30s').describe('longest wait for the server at the start'),
    request_timeout: duration('6s').describe(
      "how long a block that came in requests is tried before its senders are told to come again; less than the receiver's own timeout, so that nothing is stored that was refused",
    ),
    concurrent_inserts: z.int().min(1).max(64).default(2).describe('blocks on their way at once, per worker'),
    effect_once: z
      .boolean()
      .default(true)
      .describe(
        'make each block known to the broker before it is inserted, so that after a crash exactly the same one is formed again; false = at least once, without plans in the committed offsets',
      ),
    block: z
      .strictObject({
        spans: z.int().min(1).default(50_000).describe('spans that make a block full'),
        linger: duration('1s').describe('longest wait for a block to become full'),
      })
      .prefault({})
      .describe('size of what is inserted at once'),
    retry_on_failure: retryOnFailure,
  })
  .superRefine(({ cluster, endpoint }, context) => {
    if (cluster === undefined || endpoint === DEFAULT_ENDPOINT) return;
    context.addIssue({
      code: 'custom',
      path: ['endpoint'],
      message: 'cluster.shards say where the servers are',
    });
  })
  .describe('keeps spans, RED metrics and sampling throughput in ClickHouse');

export type ClickHouseExporterConfig = z.output<typeof clickHouseExporterConfig>;
