import { z } from 'zod';
import { duration } from '../../base/schema.ts';

const NOT_HTTP = /^(tcp|native|clickhouse|clickhouses):\/\/([^/?]*)/;

/** `http://host:8123`; the collector's native-protocol forms are refused with the way out. */
const endpoint = z
  .string()
  .transform((text, context): string => {
    const native = NOT_HTTP.exec(text);
    const host = native?.[2]?.replace(/^.*@/, '').replace(/:\d+$/, '');
    const problem = native
      ? `ClickHouse is spoken to over HTTP only: expected http://${host}:8123 instead of ${native[1]}://`
      : httpProblem(text);
    if (problem === undefined) return text.replace(/\/$/, '');
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  })
  .prefault('http://localhost:8123');

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

export const clickHouseExporterConfig = z
  .strictObject({
    endpoint: endpoint.describe('HTTP interface of the server'),
    username: z.string().default('').describe('user; empty = default'),
    password: z.string().default('').describe('its password'),
    database: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected letters, digits and _')
      .default('default')
      .describe('database of all tables; made when it is missing'),
    tls: tls.optional(),
    connection_params: z
      .record(z.string(), z.coerce.string())
      .default({})
      .describe('ClickHouse settings of every query; those that effect-once needs can not be changed'),
    create_schema: z
      .boolean()
      .default(true)
      .describe('bring the schema forward at the start; else `spanweir migrate` has to'),
    ttl: duration('336h').describe('how long spans are kept; 0 = for ever'),
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
  .describe('keeps spans, RED metrics and sampling throughput in ClickHouse');

export type ClickHouseExporterConfig = z.output<typeof clickHouseExporterConfig>;
