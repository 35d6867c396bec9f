import type { Admin } from 'kafkajs';
import { SpanweirError } from '../base/errors.ts';
import type { Log } from '../base/instruments.ts';
import type { KafkaClient } from './client.ts';
import { failureOf, kafkaError } from './errors.ts';

export interface SinglePartitionTopic {
  readonly name: string;
  /** What its cleanup.policy has to be. */
  readonly policy: 'compact' | 'delete';
  /** Further settings when it is made; one that exists keeps its own. */
  readonly settings: Readonly<Record<string, string>>;
  /** -1 = as the brokers think best. */
  readonly replicationFactor: number;
}

const TOPIC_RESOURCE = 2;

/**
 * Sees to it that the topic exists and is of use. Rejects with REFUSED when it may not be made, has more than one
 * partition or the wrong policy: nothing of that passes by itself; with UNAVAILABLE when the brokers don't answer.
 */
export async function ensureSinglePartitionTopic(
  kafka: KafkaClient,
  topic: SinglePartitionTopic,
  log: Log,
): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const known = await partitionsOf(admin, topic.name);
    const partitions = known ?? (await create(admin, topic, log));
    if (partitions > 1) {
      throw new SpanweirError(
        'REFUSED',
        `the topic ${topic.name} has ${partitions} partitions and needs exactly one: choose another name, or delete it and let it be made`,
      );
    }
    const policy = known === undefined ? topic.policy : await policyOf(admin, topic.name);
    if (policy !== undefined && !policy.split(',').includes(topic.policy)) {
      throw new SpanweirError(
        'REFUSED',
        `the topic ${topic.name} has cleanup.policy=${policy} and needs ${topic.policy}: run ` +
          `kafka-configs.sh --alter --topic ${topic.name} --add-config cleanup.policy=${topic.policy}`,
      );
    }
  } catch (error) {
    throw kafkaError(error, `the topic ${topic.name} could not be looked up`);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** Undefined when there is no such topic. */
async function partitionsOf(admin: Admin, name: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    return topics[0]?.partitions.length;
  } catch (error) {
    if (failureOf(error).type === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
    throw error;
  }
}

async function create(admin: Admin, topic: SinglePartitionTopic, log: Log): Promise<number> {
  const settings = { 'cleanup.policy': topic.policy, ...topic.settings };
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const { name, replicationFactor } = topic;
  try {
    const isNew = await admin.createTopics({
      topics: [{ topic: name, numPartitions: 1, replicationFactor, configEntries }],
      waitForLeaders: true,
    });
    if (isNew) log.info({ topic: name }, 'the topic did not exist: made');
  } catch (error) {
    const { type, message } = failureOf(firstOf(error));
    if (type === undefined) throw error;
    const config = Object.entries(settings).map(([key, value]) => `--config ${key}=${value}`);
    throw new SpanweirError(
      'REFUSED',
      `the topic ${name} does not exist and may not be made here (${message}): run ` +
        `kafka-topics.sh --create --topic ${name} --partitions 1 ${config.join(' ')}`,
      { cause: error },
    );
  }
  // Another process may have made it in the same moment, with other settings.
  return (await partitionsOf(admin, name)) ?? 1;
}

/** Undefined when this user may not look. */
async function policyOf(admin: Admin, name: string): Promise<string | undefined> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC_RESOURCE, name, configNames: ['cleanup.policy'] }],
    });
    const entries = resources[0]?.configEntries ?? [];
    return entries.find(({ configName }) => configName === 'cleanup.policy')?.configValue;
  } catch {
    return undefined;
  }
}

/** kafkajs puts the refusals of a request together. */
function firstOf(error: unknown): unknown {
  const { errors } = error as { readonly errors?: readonly unknown[] };
  return errors?.[0] ?? error;
}
