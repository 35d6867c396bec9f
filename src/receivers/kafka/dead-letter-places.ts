import type { Kafka } from 'kafkajs';
import { version } from '../../base/version.ts';
import type { LaneContext } from '../../flow/lane.ts';
import type { KafkaReceiverConfig } from './config.ts';
import type { Counters } from './counters.ts';
import { DeadLetterFolder } from './dead-letter-folder.ts';
import { DeadLetterTopic } from './dead-letter-topic.ts';
import type { DeadLetters } from './dead-letters.ts';

/** The topic or the folder that the configuration names; a topic has the folder for what is too large. */
export function openDeadLetters(
  kafka: Kafka,
  config: KafkaReceiverConfig['dead_letter'],
  context: LaneContext,
  counters: Counters,
): DeadLetters {
  const { clock, lane, log } = context;
  const { topic, directory, max_bytes: maxBytes } = config;
  const about = { clock, version: version() };
  const folder = new DeadLetterFolder({ directory, maxBytes, lane, deleted: counters.deleted, ...about });
  if (topic === undefined) return folder;
  return new DeadLetterTopic(kafka, topic, {
    ...about,
    log,
    folder,
    tooLarge: (place) => counters.tooLarge(place),
  });
}
