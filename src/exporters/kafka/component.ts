import type { ExporterType } from '../../flow/component-type.ts';
import { createKafkaBlockSink } from './block-sink.ts';
import { type KafkaExporterConfig, kafkaExporterConfig } from './config.ts';

export const kafkaExporter: ExporterType<KafkaExporterConfig> = {
  kind: 'exporter',
  type: 'kafka',
  signals: ['traces'],
  description: 'Writes spans to a Kafka topic, whole traces under one key where wanted.',
  config: kafkaExporterConfig,
  createLane: createKafkaBlockSink,
};
