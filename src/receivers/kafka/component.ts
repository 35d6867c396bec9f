import type { ReceiverType } from '../../flow/component-type.ts';
import { type KafkaReceiverConfig, kafkaReceiverConfig } from './config.ts';
import { createKafkaLaneReceiver } from './lane-receiver.ts';

export const kafkaReceiver: ReceiverType<KafkaReceiverConfig> = {
  kind: 'receiver',
  type: 'kafka',
  description: 'Reads spans from Kafka topics as a member of a consumer group.',
  config: kafkaReceiverConfig,
  createLane: createKafkaLaneReceiver,
};
