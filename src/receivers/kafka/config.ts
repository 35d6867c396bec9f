import { z } from 'zod';
import { duration } from '../../base/schema.ts';
import { clientOptions } from '../../kafka/options.ts';

/** What is decoded today; Jaeger's and Zipkin's formats come with the receivers of their name. */
const ENCODINGS = ['otlp_proto', 'otlp_json'] as const;

const encoding = z
  .string()
  .describe(`how spans are encoded: ${ENCODINGS.join(', ')}`)
  .superRefine((name, context) => {
    if ((ENCODINGS as readonly string[]).includes(name)) return;
    const message = `encoding ${name} is not supported yet; supported: ${ENCODINGS.join(', ')}`;
    context.addIssue({ code: 'custom', message });
  });

const topicOrPattern = z.string().min(1).superRefine(isPattern('^'));
const pattern = z.string().min(1).superRefine(isPattern(''));

const traces = z
  .strictObject({
    topics: z
      .array(topicOrPattern)
      .min(1)
      .optional()
      .describe(
        'topics to read [otlp_spans]; one that begins with ^ is a pattern that topic names must match',
      ),
    encoding: encoding.optional(),
    exclude_topics: z
      .array(pattern)
      .default([])
      .describe('with patterns: topics whose names match are left out'),
    topic: topicOrPattern.optional().describe('old form of topics'),
    exclude_topic: pattern.optional().describe('old form of exclude_topics'),
  })
  .prefault({})
  .describe('where spans are read');

const otherSignal = z
  .looseObject({})
  .optional()
  .describe('options of another signal')
  .meta({ instead: 'only traces are read' });

const backoff = z
  .looseObject({ enabled: z.boolean().default(false).describe('wait between tries') })
  .optional()
  .describe('what to do when the pipeline fails')
  .meta({
    instead: 'what fails is tried again with growing waits until it succeeds; the position never passes it',
  });

const marking = z
  .strictObject({
    after: z.boolean().default(true).describe('mark messages after the pipeline'),
    on_error: z.boolean().default(false).describe('mark messages that failed'),
    on_permanent_error: z.boolean().default(false).describe('mark messages that can never succeed'),
  })
  .optional()
  .describe('when messages count as read')
  .meta({
    instead: 'positions are committed after the data is durable; undecodable messages become dead letters',
  });

const autocommit = z
  .strictObject({
    enable: z.boolean().default(true).describe('commit positions'),
    interval: duration('1s').describe('time between commits'),
  })
  .optional()
  .describe('when positions are committed')
  .meta({ instead: 'each position is committed when everything before it is durable' });

const partitionProcessing = z
  .strictObject({
    independent: z.boolean().default(false).describe('a worker per partition'),
    max_buffered_batches: z.number().int().positive().default(1).describe('fetched batches that may wait'),
  })
  .optional()
  .describe('how partitions share a worker')
  .meta({ instead: 'a blocked partition never holds the others' });

const deadLetter = z
  .strictObject({
    topic: z
      .string()
      .min(1)
      .optional()
      .describe('topic for records that can not be decoded; made when it does not exist'),
    directory: z
      .string()
      .min(1)
      .default('data/dead-letter')
      .describe('folder for them, when there is no topic or a record is too large for it'),
    max_bytes: z
      .number()
      .int()
      .positive()
      .default(256 << 20)
      .describe('what the folder may hold; the oldest dead letters make room'),
  })
  .prefault({})
  .describe('where records go that can not be decoded');

export const kafkaReceiverConfig = z
  .strictObject({
    ...clientOptions,
    traces,
    topic: topicOrPattern.optional().describe('old form of traces.topics'),
    encoding: encoding.optional().describe('old form of traces.encoding'),
    logs: otherSignal,
    metrics: otherSignal,
    profiles: otherSignal,
    group_id: z.string().min(1).default('otel-collector').describe('consumer group'),
    group_instance_id: z
      .string()
      .optional()
      .describe('static membership')
      .meta({ instead: 'members are dynamic: partitions move when one restarts' }),
    group_rebalance_strategies: z
      .array(z.string())
      .optional()
      .describe('how partitions are shared out')
      .meta({ instead: 'partitions are shared out round-robin, by all members at once' }),
    group_rebalance_strategy: z
      .string()
      .optional()
      .describe('old form of group_rebalance_strategies')
      .meta({ instead: 'partitions are shared out round-robin, by all members at once' }),
    initial_offset: z
      .enum(['latest', 'earliest'])
      .default('latest')
      .describe(
        'where to begin without a committed position; partitions that come while it runs are read from their beginning',
      ),
    session_timeout: duration('10s').describe('a member that is silent for so long loses its partitions'),
    heartbeat_interval: duration('3s').describe('time between signs of life'),
    min_fetch_size: z.number().int().positive().default(1).describe('bytes to wait for per fetch'),
    max_fetch_size: z
      .number()
      .int()
      .positive()
      .default(16 << 20)
      .describe(
        'bytes of one fetch; no more than half of what block.max_in_flight_bytes has left, and at least 1 MiB',
      ),
    max_fetch_wait: duration('250ms').describe('how long a fetch may wait for min_fetch_size'),
    max_partition_fetch_size: z
      .number()
      .int()
      .positive()
      .default(8 << 20)
      .describe('bytes of one partition in one fetch; a larger record batch still comes whole'),
    rack_id: z.string().default('').describe('read from replicas in this rack where brokers allow it'),
    use_leader_epoch: z
      .boolean()
      .default(true)
      .describe('detect truncated logs')
      .meta({ instead: 'a truncated log is noticed by its offsets only' }),
    autocommit,
    message_marking: marking,
    error_backoff: backoff,
    partition_processing: partitionProcessing,
    header_extraction: z
      .strictObject({
        extract_headers: z.boolean().default(false).describe('turn record headers into resource attributes'),
        headers: z.array(z.string()).default([]).describe('names of those headers, exactly'),
      })
      .prefault({})
      .describe('headers as resource attributes kafka.header.<name>'),
    telemetry: z
      .looseObject({})
      .optional()
      .describe('further metrics')
      .meta({ instead: "Spanweir's own metrics tell the lag of every partition" }),
    dead_letter: deadLetter,
  })
  .superRefine((config, context) => {
    if (config.heartbeat_interval >= config.session_timeout) {
      const message = 'must be shorter than session_timeout (about a third of it)';
      context.addIssue({ code: 'custom', path: ['heartbeat_interval'], message });
    }
    if (config.max_fetch_size < config.min_fetch_size) {
      const message = 'must not be less than min_fetch_size';
      context.addIssue({ code: 'custom', path: ['max_fetch_size'], message });
    }
    if (config.traces.topic !== undefined && config.traces.topics !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['traces', 'topic'],
        message: 'set topics or topic, not both',
      });
    }
    const { topics, exclude } = topicRule(config);
    if (config.dead_letter.topic !== undefined && topics.includes(config.dead_letter.topic)) {
      const message = 'is one of the topics that are read: what can not be decoded would come back for ever';
      context.addIssue({ code: 'custom', path: ['dead_letter', 'topic'], message });
    }
    if (exclude.length > 0 && !topics.some(isPatternName)) {
      const message = 'needs a topic that is a pattern (begins with ^)';
      context.addIssue({ code: 'custom', path: ['traces', 'exclude_topics'], message });
    }
  });

export type KafkaReceiverConfig = z.output<typeof kafkaReceiverConfig>;

/** What is to be read, whichever form of the options says so. */
export interface TopicRule {
  readonly topics: readonly string[];
  readonly exclude: readonly string[];
}

export function topicRule(
  config: Pick<KafkaReceiverConfig, 'traces' | 'topic'> & Partial<Pick<KafkaReceiverConfig, 'dead_letter'>>,
): TopicRule {
  const { topics, topic, exclude_topics, exclude_topic } = config.traces;
  const single = topic ?? config.topic;
  const read = topics ?? (single === undefined ? ['otlp_spans'] : [single]);
  const exclude = exclude_topic === undefined ? exclude_topics : [...exclude_topics, exclude_topic];
  const deadLetters = config.dead_letter?.topic;
  if (deadLetters === undefined || !read.some(isPatternName)) return { topics: read, exclude };
  // What can't be decoded would match the pattern, and come back for ever.
  return { topics: read, exclude: [...exclude, `^${deadLetters.replaceAll('.', '\\.')}$`] };
}

function isPatternName(topic: string): boolean {
  return topic.startsWith('^');
}

export function encodingOf(
  config: Pick<KafkaReceiverConfig, 'traces' | 'encoding'>,
): (typeof ENCODINGS)[number] {
  return (config.traces.encoding ?? config.encoding ?? 'otlp_proto') as (typeof ENCODINGS)[number];
}

function isPattern(prefix: string) {
  return (text: string, context: z.core.$RefinementCtx<string>): void => {
    if (!text.startsWith(prefix)) return;
    try {
      new RegExp(text, 'u');
    } catch (error) {
      const message = `not a regular expression: ${error instanceof Error ? error.message : String(error)}`;
      context.addIssue({ code: 'custom', message });
    }
  };
}
