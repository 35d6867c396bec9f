import type { GroupOptions } from '../../kafka/group-owner.ts';
import type { KafkaReceiverConfig } from './config.ts';

/** @param firstSeen partitions by topic at the first look: those that came later begin at their beginning */
export function groupOptions(
  config: KafkaReceiverConfig,
  topics: readonly string[],
  firstSeen: ReadonlyMap<string, number> | undefined,
): GroupOptions {
  return {
    groupId: config.group_id,
    topics,
    beginsAt: (topic, partition) =>
      partition >= (firstSeen?.get(topic) ?? 0) ? 'earliest' : config.initial_offset,
    sessionTimeoutMs: config.session_timeout,
    heartbeatIntervalMs: config.heartbeat_interval,
    minBytes: config.min_fetch_size,
    maxBytes: config.max_fetch_size,
    maxBytesPerPartition: config.max_partition_fetch_size,
    maxWaitMs: config.max_fetch_wait,
    rackId: config.rack_id,
    metadataMaxAgeMs: config.metadata.refresh_interval,
    retries: config.metadata.retry.max,
  };
}
