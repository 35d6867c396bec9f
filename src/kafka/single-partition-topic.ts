import type { Admin } from 'kafkajs';
import type { Clock } from '../base/clock.ts';
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

export interface TopicEnv {
  readonly log: Log;
  readonly clock: Clock;
}

const TOPIC_RESOURCE = 2;
/** Until all brokers know of a topic that was just made. */
const KNOWN_WAIT_MS = 100;
const KNOWN_TRIES = 100;

/**
 * Sees to it that the topic exists and is of use. Rejects with REFUSED when it may not be made, has more than one
 * partition or the wrong policy: nothing of that passes by itself; with UNAVAILABLE when the brokers don't answer.
 */
export async function ensureSinglePartitionTopic(
  kafka: KafkaClient,
  topic: SinglePartitionTopic,
  env: TopicEnv,
): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const known = await partitionsOf(admin, topic.name);
    const partitions = known ?? (await create(admin, topic, env));
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

const NOT_THERE: ReadonlySet<string> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/** Undefined when there is no such topic, or not quite yet. */
async function partitionsOf(admin: Admin, name: string): Promise<number | undefined> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
    return topics[0]?.partitions.length;
  } catch (error) {
    if (NOT_THERE.has(failureOf(error).type ?? '')) return undefined;
    throw error;
  }
}

async function create(admin: Admin, topic: SinglePartitionTopic, env: TopicEnv): Promise<number> {
  const settings = { 'cleanup.policy': topic.policy, ...topic.settings };
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  const { name, replicationFactor } = topic;
  try {
    const isNew = await admin.createTopics({
      topics: [{ topic: name, numPartitions: 1, replicationFactor, configEntries }],
      waitForLeaders: false,
    });
    if (isNew) env.log.info({ topic: name }, 'the topic did not exist: made');
  } catch (error) {
    const refusal = refusalIn(error);
    if (refusal === undefined) throw error;
    const config = Object.entries(settings).map(([key, value]) => `--config ${key}=${value}`);
    throw new SpanweirError(
      'REFUSED',
      `the topic ${name} does not exist and may not be made here (${refusal}): run ` +
        `kafka-topics.sh --create --topic ${name} --partitions 1 ${config.join(' ')}`,
      { cause: error },
    );
  }
  // Another process may have made it in the same moment, with other settings.
  for (let tries = 0; tries < KNOWN_TRIES; tries++) {
    const partitions = await partitionsOf(admin, name);
    if (partitions !== undefined) return partitions;
    await env.clock.sleep(KNOWN_WAIT_MS);
  }
  throw new SpanweirError('UNAVAILABLE', `the topic ${name} was made and does not appear`, {
    retry: 'backoff',
  });
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

/** What the brokers say against it, of the errors that kafkajs puts together for a request. */
function refusalIn(error: unknown): string | undefined {
  const { errors } = error as { readonly errors?: readonly unknown[] };
  const [first] = errors ?? [];
  return first === undefined ? undefined : failureOf(first).message;
}
