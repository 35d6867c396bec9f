import type { Admin, Kafka } from 'kafkajs';
import { SpanweirError } from '../../base/errors.ts';
import type { Log } from '../../base/instruments.ts';
import { kafkaError } from '../../kafka/errors.ts';

const TOPIC_RESOURCE = 2;

/**
 * Sees to it that the dead-letter topic exists, with the brokers' defaults for partitions and replicas. Rejects
 * when it can't be made, and when it is compacted: letters with equal keys would delete each other.
 */
export async function makeTopic(kafka: Kafka, topic: string, log: Log): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const existing = await admin.listTopics();
    if (!existing.includes(topic)) {
      // With waitForLeaders kafkajs fails when it asks before a broker has heard of the topic; a letter waits for its leader.
      const isNew = await admin.createTopics({ topics: [{ topic }], waitForLeaders: false });
      if (isNew) log.info({ topic }, 'the dead-letter topic did not exist: made');
    } else if (await isCompacted(admin, topic)) {
      throw new SpanweirError(
        'REFUSED',
        `the dead-letter topic ${topic} is compacted, so letters with equal keys would delete each other: ` +
          'set its cleanup.policy to delete',
        { retry: 'backoff' },
      );
    }
  } catch (error) {
    throw kafkaError(error, `the dead-letter topic ${topic} could not be looked up or made`);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

/** False when this user may not look. */
async function isCompacted(admin: Admin, topic: string): Promise<boolean> {
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC_RESOURCE, name: topic, configNames: ['cleanup.policy'] }],
    });
    const entries = resources[0]?.configEntries ?? [];
    const policy = entries.find(({ configName }) => configName === 'cleanup.policy')?.configValue ?? '';
    return policy.includes('compact');
  } catch {
    return false;
  }
}
