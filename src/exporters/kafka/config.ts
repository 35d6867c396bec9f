import { z } from 'zod';
import { duration } from '../../base/schema.ts';
import { clientOptions } from '../../kafka/options.ts';

const COMPRESSIONS = ['none', 'gzip'] as const;

const NO_METADATA = { instead: 'spans carry no request metadata here: the option has no effect' };

const traces = z
  .strictObject({
    topic: z.string().min(1).optional().describe('topic to write [otlp_spans]'),
    encoding: z
      .string()
      .optional()
      .describe('how spans are encoded: otlp_proto')
      .superRefine(only('encoding', ['otlp_proto'])),
    topic_from_metadata_key: z
      .string()
      .default('')
      .describe('request metadata that names the topic')
      .meta(NO_METADATA),
    message_key_from_metadata_key: z
      .string()
      .default('')
      .describe('request metadata that becomes the key')
      .meta(NO_METADATA),
  })
  .prefault({})
  .describe('where spans are written');

const otherSignal = z
  .looseObject({})
  .optional()
  .describe('options of another signal')
  .meta({ instead: 'only traces are written' });

const producer = z
  .strictObject({
    max_message_bytes: z
      .number()
      .int()
      .min(1000)
      .default(1_000_000)
      .describe('size of a message before compression; larger groups of spans become several messages'),
    max_broker_write_bytes: z
      .number()
      .int()
      .positive()
      .default(104_857_600)
      .describe('bytes of one request')
      .meta({ instead: 'a request carries at most max_message_bytes' }),
    required_acks: z
      .union([z.literal(-1), z.literal(0), z.literal(1), z.literal('all')])
      .default(-1)
      .describe('replicas that must have a message')
      .meta({ instead: 'all in-sync replicas must have it: spans are acknowledged upstream only then' }),
    compression: z
      .string()
      .default('none')
      .describe(`compression of record batches: ${COMPRESSIONS.join(', ')}`)
      .superRefine(only('compression', COMPRESSIONS)),
    compression_params: z
      .strictObject({ level: z.number().int().default(-1).describe('compression level') })
      .prefault({})
      .describe('how hard to compress')
      .meta({ instead: "zlib's default level is used" }),
    flush_max_messages: z.number().int().positive().default(10_000).describe('messages of one request'),
    linger: duration('10ms')
      .describe('how long messages wait for company')
      .meta({ instead: 'blocks are formed before the exporter and sent at once' }),
    allow_auto_topic_creation: z.boolean().default(true).describe('let the broker create a missing topic'),
  })
  .prefault({})
  .describe('how messages are sent');

const retry = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('try again')
      .meta({ instead: 'what came from a log is always tried again, what came in requests never' }),
    initial_interval: duration('5s').describe('wait after the first failure'),
    max_interval: duration('30s').describe('longest wait'),
    multiplier: z.number().min(1).default(1.5).describe('growth of the wait'),
    randomization_factor: z.number().min(0).max(1).default(0.5).describe('share of the wait that is random'),
    max_elapsed_time: duration('5m').describe('when to give up').meta({
      instead:
        'what came from a log is never given up; senders of requests are told to come again at the first failure',
    }),
  })
  .prefault({})
  .describe('what happens after a failure');

const partitioner = z
  .strictObject({
    sticky_key: z
      .strictObject({
        hasher: z.enum(['murmur2', 'sarama_compat']).default('murmur2').describe('hash of the key'),
      })
      .optional()
      .describe('the key decides'),
    round_robin: z.looseObject({}).optional().describe('one partition after the other, whatever the key'),
    least_backup: z
      .looseObject({})
      .optional()
      .describe('the least busy partition')
      .meta({ instead: 'partitions take turns' }),
    extension: z
      .string()
      .optional()
      .describe('partitioner extension')
      .refine((value) => value === undefined, 'partitioner extensions are not supported yet'),
  })
  .prefault({})
  .describe("which partition a message goes to; as Java's clients do it unless set")
  .superRefine((chosen, context) => {
    if (Object.values(chosen).filter((value) => value !== undefined).length < 2) return;
    context.addIssue({ code: 'custom', message: 'set one partitioner at most' });
  });

export const kafkaExporterConfig = z.strictObject({
  ...clientOptions,
  traces,
  topic: z.string().min(1).optional().describe('old form of traces.topic'),
  encoding: z
    .string()
    .optional()
    .describe('old form of traces.encoding')
    .superRefine(only('encoding', ['otlp_proto'])),
  logs: otherSignal,
  metrics: otherSignal,
  profiles: otherSignal,
  topic_from_attribute: z
    .string()
    .default('')
    .describe('resource attribute that names the topic')
    .refine((name) => name === '', 'topic_from_attribute is not supported yet'),
  include_metadata_keys: z
    .array(z.string())
    .default([])
    .describe('request metadata for headers')
    .meta(NO_METADATA),
  record_headers: z.record(z.string(), z.string()).default({}).describe('headers of every message'),
  partition_traces_by_id: z
    .boolean()
    .default(false)
    .describe(
      'one message per trace with the trace id (hex) as its key, so that a trace stays in one partition',
    ),
  partition_logs_by_resource_attributes: z
    .boolean()
    .default(false)
    .describe('for logs')
    .meta({ instead: 'only traces are written' }),
  partition_logs_by_trace_id: z
    .boolean()
    .default(false)
    .describe('for logs')
    .meta({ instead: 'only traces are written' }),
  partition_metrics_by_resource_attributes: z
    .boolean()
    .default(false)
    .describe('for metrics')
    .meta({ instead: 'only traces are written' }),
  record_partitioner: partitioner,
  timeout: duration('5s').describe('time for one attempt'),
  retry_on_failure: retry,
  sending_queue: z
    .looseObject({})
    .optional()
    .describe('queue in memory')
    .meta({ instead: 'there is no queue that could be lost: the source waits for the broker' }),
  producer,
});

export type KafkaExporterConfig = z.output<typeof kafkaExporterConfig>;

export function topicOf(config: Pick<KafkaExporterConfig, 'traces' | 'topic'>): string {
  return config.traces.topic ?? config.topic ?? 'otlp_spans';
}

function only(option: string, supported: readonly string[]) {
  return (value: string | undefined, context: z.core.$RefinementCtx): void => {
    if (value === undefined || supported.includes(value)) return;
    const message = `${option} ${value} is not supported yet; supported: ${supported.join(', ')}`;
    context.addIssue({ code: 'custom', message });
  };
}
