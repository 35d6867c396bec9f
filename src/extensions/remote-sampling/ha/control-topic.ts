import type { ComponentContext } from '../../../base/component.ts';
import { createKafka, type KafkaClient } from '../../../kafka/client.ts';
import { ensureSinglePartitionTopic, type TopicEnv } from '../../../kafka/single-partition-topic.ts';
import type { ControlTopicConfig } from './config.ts';

export interface Names {
  /** One partition, compacted: its owner decides; in it lies what is served. */
  readonly topic: string;
  /** Of the group, and the transactional id. */
  readonly groupId: string;
}

export function namesOf({ topic, group_id }: ControlTopicConfig): Names {
  return { topic, groupId: group_id ?? topic };
}

const REQUEST_TIMEOUT_MS = 10_000;

/** One that tells soon when brokers do not answer: everything here goes on trying by itself. */
export async function controlKafka(
  config: ControlTopicConfig,
  context: Pick<ComponentContext, 'log' | 'clock'>,
): Promise<KafkaClient> {
  const retry = { max: 3, backoff: 100 };
  return await createKafka(
    { ...config, metadata: { ...config.metadata, retry } },
    context,
    REQUEST_TIMEOUT_MS,
  );
}

/** Rejects as ensureSinglePartitionTopic does. */
export async function ensureControlTopic(
  kafka: KafkaClient,
  { topic, replication_factor }: ControlTopicConfig,
  env: TopicEnv,
): Promise<void> {
  await ensureSinglePartitionTopic(
    kafka,
    {
      name: topic,
      policy: 'compact',
      // Small segments that are soon closed: what is replaced is cleaned away soon, and a new replica has little to read.
      settings: {
        'segment.bytes': '16777216',
        'segment.ms': '3600000',
        'min.cleanable.dirty.ratio': '0.1',
        'compression.type': 'producer',
      },
      replicationFactor: replication_factor ?? -1,
    },
    env,
  );
}
