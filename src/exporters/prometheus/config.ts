import { z } from 'zod';
import { duration, endpoint, serverTls } from '../../base/schema.ts';

const notNeeded = 'not needed: there is nothing to queue, counters are kept in memory';
const httpDefault = "the engine's HTTP server uses its own value";

export const prometheusConfig = z.strictObject({
  endpoint: endpoint().describe('where /metrics is served'),
  tls: serverTls.optional(),
  namespace: z.string().default('').describe('stands in front of every metric name, with an underscore'),
  const_labels: z
    .record(z.string().min(1), z.string())
    .default({})
    .refine((labels) => !('le' in labels), { error: "'le' belongs to the buckets" })
    .describe('labels for every metric but target_info'),
  send_timestamps: z.boolean().default(false).describe('write the time of the scrape behind every value'),
  metric_expiration: duration('5m').describe(
    'show series for so long after span_metrics has handed them on for the last time: it hands all of them on until ' +
      'its own series_expiration or metrics_expiration ends, which by default is never. With delta temporality it ' +
      'hands on what changed',
  ),
  enable_open_metrics: z.boolean().default(false).describe('answer in OpenMetrics when asked for it'),
  created_timestamps: z
    .boolean()
    .default(true)
    .describe(
      'say in OpenMetrics when a series began, in a _created line of its own; protobuf always says it',
    ),
  initial_zero: z
    .enum(['off', 'first_scrape'])
    .default('off')
    .describe(
      'first_scrape shows a new series as 0 once to each scraper (told apart by address and user agent), so that ' +
        'rates have its first spans even where created timestamps are not read. To a scraper that comes for the ' +
        'first time, series older than 5 minutes are not new',
    ),
  final_scrape_wait: duration('0s').describe(
    'at an orderly stop, once all is counted, wait at most so long until everyone who scrapes has come once more',
  ),
  profile: z
    .enum(['collector', 'spanmetrics_processor', 'tempo'])
    .default('collector')
    .describe(
      'whose names and labels: those of the connector; of the processor that was before it (calls_total, latency_* ' +
        "in ms, label operation); or of Tempo's generator (traces_spanmetrics_calls_total, " +
        'traces_spanmetrics_latency_* in seconds, traces_target_info, label service; there is no ' +
        'traces_spanmetrics_size_total)',
    ),
  add_metric_suffixes: z
    .boolean()
    .default(true)
    .describe('append unit and _total; translation_strategy comes first')
    .meta({
      instead:
        'ignored, as in the collector since it was replaced: set translation_strategy: UnderscoreEscapingWithoutSuffixes',
    }),
  translation_strategy: z
    .enum([
      'UnderscoreEscapingWithSuffixes',
      'UnderscoreEscapingWithoutSuffixes',
      'NoUTF8EscapingWithSuffixes',
      'NoTranslation',
    ])
    .default('UnderscoreEscapingWithSuffixes')
    .describe('how OTLP names become Prometheus names'),
  without_scope_info: z.boolean().default(false).describe('leave the otel_scope_* labels out'),
  resource_to_telemetry_conversion: z
    .strictObject({
      enabled: z.boolean().default(false).describe('make labels of all resource attributes'),
      exclude_service_attributes: z.boolean().default(false).describe('but not of service.*'),
    })
    .refine(({ enabled }) => !enabled, {
      error:
        'resource_to_telemetry_conversion is not supported yet: name the attributes under dimensions of span_metrics',
    })
    .prefault({})
    .describe('resource attributes as labels'),
  max_series: z
    .int()
    .min(1)
    .default(250_000)
    .describe(
      'series kept, over all ingest threads and connectors. What comes later is counted in series named ' +
        'otel.metric.overflow that keep service, kind and status, so that totals stay exact',
    ),
  sending_queue: z.unknown().optional().describe('a queue before the exporter').meta({ instead: notNeeded }),
  read_timeout: duration().optional().describe('time to read a request').meta({ instead: httpDefault }),
  read_header_timeout: duration().optional().describe('time to read headers').meta({ instead: httpDefault }),
  write_timeout: duration().optional().describe('time to write an answer').meta({ instead: httpDefault }),
  idle_timeout: duration().optional().describe('time between requests').meta({ instead: httpDefault }),
  keep_alives_enabled: z.boolean().optional().describe('keep connections').meta({ instead: httpDefault }),
  max_request_body_size: z.int().optional().describe('a scrape has no body').meta({ instead: httpDefault }),
  include_metadata: z
    .boolean()
    .optional()
    .describe('hand client metadata on')
    .meta({ instead: 'a scrape hands nothing on' }),
  compression_algorithms: z
    .array(z.string())
    .optional()
    .describe('encodings of request bodies')
    .meta({ instead: 'a scrape has no body; answers are gzipped when the client takes it' }),
  response_headers: z.record(z.string(), z.string()).default({}).describe('headers to add to every answer'),
});

export type PrometheusConfig = z.output<typeof prometheusConfig>;
