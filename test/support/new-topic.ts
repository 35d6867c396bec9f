import type { Admin, ITopicConfig } from 'kafkajs';
import { waitFor } from './wait.ts';

/**
 * Makes a topic; resolves when the leader of each partition answers. kafkajs' own wait fails when it asks before the
 * broker has heard of the topic.
 */
export async function newTopic(admin: Admin, config: ITopicConfig): Promise<void> {
  const { numPartitions = 1, topic } = config;
  await admin.createTopics({ topics: [config], waitForLeaders: false });
  await waitFor(`${topic} has its leaders`, async () => {
    return (await admin.fetchTopicOffsets(topic)).length === numPartitions;
  });
}
