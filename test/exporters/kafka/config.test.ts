import { expect, it } from 'vitest';
import { kafkaExporterConfig, topicOf } from '../../../src/exporters/kafka/config.ts';

function complaints(options: object): string[] {
  const result = kafkaExporterConfig.safeParse(options);
  return result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

it('has the defaults of the collector', () => {
  const config = kafkaExporterConfig.parse({});
  expect(config.brokers).toEqual(['localhost:9092']);
  expect(topicOf(config)).toBe('otlp_spans');
  expect(config.partition_traces_by_id).toBe(false);
  expect(config.timeout).toBe(5000);
  expect(config.producer.max_message_bytes).toBe(1_000_000);
  expect(config.producer.compression).toBe('none');
});

it('refuses what it can not do, naming what it can', () => {
  expect(complaints({ producer: { compression: 'zstd' } })).toEqual([
    'producer.compression: compression zstd is not supported yet; supported: none, gzip',
  ]);
  expect(complaints({ traces: { encoding: 'jaeger_proto' } })).toEqual([
    'traces.encoding: encoding jaeger_proto is not supported yet; supported: otlp_proto',
  ]);
  expect(complaints({ record_partitioner: { round_robin: {}, sticky_key: {} } })).toEqual([
    'record_partitioner: set one partitioner at most',
  ]);
});
