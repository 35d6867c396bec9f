import { z } from 'zod';
import { duration, endpoint } from '../base/schema.ts';

const BYTES: Readonly<Record<string, number>> = { '': 1, b: 1, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3 };

/** A number of bytes, or text such as 32MiB. */
function bytes(initial: string) {
  return z
    .union([z.int(), z.string()])
    .transform((given, context) => {
      const match = /^(\d+)\s*([a-z]*)$/i.exec(String(given));
      const unit = BYTES[match?.[2]?.toLowerCase() ?? '?'];
      if (match !== null && unit !== undefined && Number(match[1]) > 0) return Number(match[1]) * unit;
      context.addIssue({ code: 'custom', message: 'expected a number of bytes, such as 1048576 or 32MiB' });
      return z.NEVER;
    })
    .meta({ typeName: 'bytes' })
    .prefault(initial);
}

const block = z
  .strictObject({
    max_spans: z.int().min(1).max(1_000_000).default(65_536).describe('spans after which a block is closed'),
    max_bytes: bytes('32MiB').describe('bytes after which a block is closed'),
    linger: duration('1s').describe('longest wait of a record for its block to fill'),
    max_in_flight_bytes: bytes('128MiB').describe(
      'per worker: bytes of blocks that are open or on their way; a source waits beyond it',
    ),
  })
  .prefault({})
  .describe('the unit of work: what is aggregated, inserted and acknowledged together');

const spanweir = z
  .strictObject({
    workers: z.int().min(1).max(64).default(1).describe('ingest threads'),
    block,
    timestamps: z
      .strictObject({
        max_past: duration('168h').describe('a span may start so long before its record was written'),
        max_future: duration('1h').describe('and so long after it'),
      })
      .prefault({})
      .describe('a span outside of these gets the timestamp of its record'),
    weights: z
      .strictObject({
        attribute: z
          .string()
          .default('')
          .describe(
            'span or resource attribute with the share of traces that is kept, in (0, 1]; an ot=th of the trace state goes before it',
          ),
        sampler_tags: z
          .boolean()
          .default(true)
          .describe(
            'a root that tells neither is asked for sampler.type and sampler.param, or those of jaeger.sampler',
          ),
        max: z
          .number()
          .min(1)
          .default(1e6)
          .describe('a span that claims to stand for more counts as so many'),
      })
      .prefault({})
      .describe(
        'how many spans a sampled one stands for; spans that do not tell follow their root, where it is in their record',
      ),
    shutdown_timeout: duration('8s').describe(
      'time for an orderly end; what is not done by then is left to be done again',
    ),
    watchdog: duration('30s').describe(
      'a worker that has not run for so long, or has moved nothing for four times as long though messages wait and every exporter answers, is replaced; 0 = never',
    ),
    worker_heap: bytes('1GiB').describe(
      'largest heap of one worker (series, names, what the clients hold; the bytes of blocks are not in it): one that needs more is replaced',
    ),
  })
  .prefault({})
  .transform((given) => ({
    workers: given.workers,
    block: {
      maxSpans: given.block.max_spans,
      maxBytes: given.block.max_bytes,
      lingerMs: given.block.linger,
      maxInFlightBytes: given.block.max_in_flight_bytes,
    },
    timestamps: { maxPastMs: given.timestamps.max_past, maxFutureMs: given.timestamps.max_future },
    weights: {
      attribute: given.weights.attribute,
      samplerTags: given.weights.sampler_tags,
      weightMax: given.weights.max,
    },
    shutdownTimeoutMs: given.shutdown_timeout,
    watchdogMs: given.watchdog,
    workerHeapBytes: given.worker_heap,
  }))
  .describe('what the collector has no word for');

const anything = z.record(z.string(), z.unknown());

const pull = z
  .strictObject({
    exporter: z
      .strictObject({
        prometheus: z
          .strictObject({
            host: z.string().default('localhost').describe('address to listen on'),
            port: z.int().min(0).max(65_535).default(8888).describe('port to listen on'),
            without_scope_info: anyOption('labels of the scope are never added'),
            without_type_suffix: anyOption('names always carry their suffix'),
            without_units: anyOption('names always carry their unit'),
            with_resource_constant_labels: anyOption('labels of the resource are never added'),
          })
          .describe("the engine's own metrics for Prometheus, at /metrics"),
      })
      .describe('how they are offered'),
  })
  .describe('offer the metrics to be pulled');

function anyOption(instead: string) {
  return z.unknown().optional().describe('known from the collector').meta({ instead });
}

const metrics = z
  .strictObject({
    level: z
      .enum(['none', 'basic', 'normal', 'detailed'])
      .default('normal')
      .describe('none: the engine does not tell its own metrics; all else: it tells all of them'),
    address: endpoint()
      .optional()
      .describe('where /metrics is; localhost:8888 when neither this nor readers says'),
    readers: z
      .array(
        z.strictObject({
          pull: pull.optional(),
          periodic: anyOption('nothing is pushed: scrape /metrics'),
        }),
      )
      .optional()
      .describe("the collector's newer form of address; the first pull reader counts"),
    views: anyOption('all metrics are shown as they are'),
  })
  .prefault({})
  .transform(({ level, address, readers }) => {
    const reader = readers?.find((one) => one.pull !== undefined)?.pull?.exporter.prometheus;
    const { host, port } = reader ?? address ?? { host: 'localhost', port: 8888 };
    const silent = readers !== undefined && reader === undefined && address === undefined;
    const option = `service.telemetry.metrics.${reader === undefined ? 'address' : 'readers'}`;
    return { level: silent ? ('none' as const) : level, host, port, option };
  })
  .describe("the engine's own metrics");

const LEVELS = ['debug', 'info', 'warn', 'error', 'DEBUG', 'INFO', 'WARN', 'ERROR'] as const;

const logs = z
  .strictObject({
    level: z
      .enum(LEVELS)
      .default('info')
      .describe('least severe level that is written')
      .transform((level) => level.toLowerCase() as 'debug' | 'info' | 'warn' | 'error'),
    encoding: z
      .enum(['json', 'console'])
      .default('json')
      .describe('one JSON object a line, or text for people'),
    development: anyOption('there is no such mode'),
    disable_caller: anyOption('the caller is never written'),
    disable_stacktrace: anyOption('errors carry their stack'),
    sampling: anyOption('every line is written'),
    output_paths: anyOption('logs go to stderr'),
    error_output_paths: anyOption('logs go to stderr'),
    initial_fields: anyOption('no fields are added'),
    processors: anyOption('logs go to stderr only'),
  })
  .prefault({})
  .describe("the engine's own logs, on stderr");

const pipeline = z
  .strictObject({
    receivers: z.array(z.string()).default([]).describe('receivers, or connectors that give this signal'),
    processors: z.array(z.string()).default([]).describe('in this order'),
    exporters: z.array(z.string()).default([]).describe('exporters, or connectors that take this signal'),
  })
  .describe('one path of the data');

/** `service:`, whole. */
export const serviceSchema = z.strictObject({
  extensions: z.array(z.string()).default([]).describe('extensions to start, in this order'),
  pipelines: z
    .record(z.string(), pipeline)
    .describe('by `traces`, `traces/name`, `metrics` or `metrics/name`'),
  telemetry: z
    .strictObject({
      metrics,
      logs,
      traces: anyOption('the engine does not trace itself'),
      resource: anything
        .optional()
        .describe('known from the collector')
        .meta({ instead: 'nothing is added' }),
    })
    .prefault({})
    .describe('what the engine tells about itself'),
  spanweir,
});

export type ServiceConfig = z.output<typeof serviceSchema>;
