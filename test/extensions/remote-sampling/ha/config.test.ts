import { describe, expect, test } from 'vitest';
import {
  controlTopicConfig,
  controlTopicError,
} from '../../../../src/extensions/remote-sampling/ha/config.ts';
import { namesOf } from '../../../../src/extensions/remote-sampling/ha/control-topic.ts';

function problems(options: object): string[] {
  const { error } = controlTopicConfig.safeParse(options);
  return error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

describe('control_topic', () => {
  test('needs brokers and nothing else', () => {
    expect(problems({})).toEqual(['brokers: expected host:port of the brokers to begin with']);
    const config = controlTopicConfig.parse({ brokers: ['kafka:9092'] });
    expect(config).toMatchObject({
      topic: 'spanweir_sampling',
      session_timeout: 10_000,
      client_id: 'spanweir-sampling',
    });
    expect(namesOf(config)).toEqual({ topic: 'spanweir_sampling', groupId: 'spanweir_sampling' });
  });

  test('calls group and transactions after the topic unless told otherwise', () => {
    const config = controlTopicConfig.parse({ brokers: 'kafka:9092', topic: 'a', group_id: 'b' });
    expect(namesOf(config)).toEqual({ topic: 'a', groupId: 'b' });
  });

  test('leaves time for a takeover within the session timeout', () => {
    expect(problems({ brokers: 'kafka:9092', session_timeout: '2s' })).toEqual([
      'session_timeout: must be at least 4s',
    ]);
  });

  test('can not go with a store in memory', () => {
    expect(controlTopicError({ sampling_store: 'memory' })).toBeUndefined();
    expect(controlTopicError({ sampling_store: 'clickhouse', control_topic: {} })).toBeUndefined();
    expect(controlTopicError({ sampling_store: 'memory', control_topic: {} })).toBe(
      'control_topic needs a clickhouse exporter as sampling_store: in memory each process sees its own spans only',
    );
  });
});
