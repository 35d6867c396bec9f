import { describe, expect, it } from 'vitest';
import { encodingOf, kafkaReceiverConfig, topicRule } from '../../../src/receivers/kafka/config.ts';

function complaints(options: object): string[] {
  const result = kafkaReceiverConfig.safeParse(options);
  return result.success
    ? []
    : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('the Kafka receiver configuration', () => {
  it('has the defaults of the collector, but fetches more at once', () => {
    const config = kafkaReceiverConfig.parse({});
    expect(config).toMatchObject({
      brokers: ['localhost:9092'],
      client_id: 'otel-collector',
      group_id: 'otel-collector',
      initial_offset: 'latest',
      session_timeout: 10_000,
      heartbeat_interval: 3000,
      min_fetch_size: 1,
      max_fetch_size: 16_777_216,
      max_fetch_wait: 250,
      max_partition_fetch_size: 8_388_608,
    });
    expect(topicRule(config)).toEqual({ topics: ['otlp_spans'], exclude: [] });
    expect(encodingOf(config)).toBe('otlp_proto');
    expect(config.metadata).toMatchObject({ refresh_interval: 600_000, retry: { max: 20, backoff: 250 } });
  });

  it('takes the old flat options', () => {
    const config = kafkaReceiverConfig.parse({ topic: 'jaeger-spans', encoding: 'otlp_json' });
    expect(topicRule(config).topics).toEqual(['jaeger-spans']);
    expect(encodingOf(config)).toBe('otlp_json');
  });

  it.each([
    [
      { traces: { encoding: 'jaeger_proto' } },
      'traces.encoding: encoding jaeger_proto is not supported yet; supported: otlp_proto, otlp_json',
    ],
    [
      { heartbeat_interval: '10s' },
      'heartbeat_interval: must be shorter than session_timeout (about a third of it)',
    ],
    [
      { traces: { exclude_topics: ['x'] } },
      'traces.exclude_topics: needs a topic that is a pattern (begins with ^)',
    ],
    [{ traces: { topic: 'a', topics: ['b'] } }, 'traces.topic: set topics or topic, not both'],
    [
      { auth: { sasl: { mechanism: 'AWS_MSK_IAM_OAUTHBEARER' } } },
      'auth.sasl.mechanism: mechanism AWS_MSK_IAM_OAUTHBEARER is not supported yet; ' +
        'supported: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER',
    ],
    [{ auth: { kerberos: { realm: 'X' } } }, 'auth.kerberos: kerberos is not supported yet; supported: sasl'],
    [{ auth: { sasl: { mechanism: 'OAUTHBEARER' } } }, 'auth.sasl: OAUTHBEARER needs oauthbearer_token_file'],
  ])('says what is wrong with %j', (options, complaint) => {
    expect(complaints(options)).toEqual([complaint]);
  });

  it('knows every option of the collector that it treats otherwise', () => {
    const options = {
      protocol_version: '3.0.0',
      group_instance_id: 'a',
      group_rebalance_strategies: ['cooperative-sticky'],
      autocommit: { enable: true, interval: '1s' },
      message_marking: { after: true, on_error: false },
      error_backoff: { enabled: true, initial_interval: '1s' },
      partition_processing: { independent: true, max_buffered_batches: 2 },
      use_leader_epoch: false,
      telemetry: { metrics: { kafka_receiver_records_delay: { enabled: true } } },
      logs: { topics: ['x'] },
    };
    expect(complaints(options)).toEqual([]);
    for (const name of Object.keys(options)) {
      const schema = kafkaReceiverConfig.shape[name as keyof typeof kafkaReceiverConfig.shape];
      expect([name, typeof schema.meta()?.instead]).toEqual([name, 'string']);
    }
  });
});
