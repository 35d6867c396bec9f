import { z } from 'zod';
import { duration } from '../../../base/schema.ts';
import { clientOptions } from '../../../kafka/options.ts';

/** Of `session_timeout`, for what comes after the brokers have given a silent member up: the choice, the restore. */
export const TAKEOVER_MS = 2000;

/** Topic and client are called after it; quoted whole, a topic would look like a metric. */
const PROGRAM = 'spanweir';

const brokers = z
  .union([z.array(z.string()).min(1), z.string().transform((one) => [one])], {
    error: 'expected host:port of the brokers to begin with',
  })
  .describe('host:port of the brokers to begin with');

/** `remote_sampling.adaptive.control_topic`. */
export const controlTopicConfig = z
  .strictObject({
    ...clientOptions,
    brokers,
    client_id: z.string().default(`${PROGRAM}-sampling`).describe("name of this client in the brokers' logs"),
    topic: z
      .string()
      .min(1)
      .default(`${PROGRAM}_sampling`)
      .describe(
        'what is served, and who decides it: the owner of its only partition; made when it does not exist',
      ),
    group_id: z
      .string()
      .min(1)
      .optional()
      .describe(
        'consumer group of the replicas, and transactional id of the one that decides [the name of topic]',
      ),
    session_timeout: duration('10s').describe(
      'a controller that dies or falls silent is replaced within this time; the session timeout of the group is 2s less',
    ),
    replication_factor: z
      .int()
      .min(1)
      .optional()
      .describe("replicas of the topic when it is made [the brokers' default]"),
  })
  .superRefine((config, context) => {
    if (config.session_timeout < 2 * TAKEOVER_MS) {
      context.addIssue({ code: 'custom', path: ['session_timeout'], message: 'must be at least 4s' });
    }
  })
  .describe('several replicas that serve the same: one decides, all read from Kafka what it decided');

export type ControlTopicConfig = z.output<typeof controlTopicConfig>;

/** What speaks against `control_topic` in this block, in words. */
export function controlTopicError(adaptive: {
  readonly sampling_store: string;
  readonly control_topic?: unknown;
}): string | undefined {
  if (adaptive.control_topic === undefined || adaptive.sampling_store !== 'memory') return undefined;
  return 'control_topic needs a clickhouse exporter as sampling_store: in memory each process sees its own spans only';
}
