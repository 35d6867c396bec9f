import { expect, test } from 'vitest';
import { PartsHealth } from '../../../../src/extensions/remote-sampling/ha/parts-health.ts';

function recorded() {
  const told: string[] = [];
  const health = new PartsHealth({
    report: (status, reason) => void told.push([status, reason].join(' ').trim()),
  });
  return { told, health };
}

test('health is that of the worst part, with all reasons, told when it changes', () => {
  const { told, health } = recorded();
  health.set('topic', undefined);
  health.set('topic', 'the brokers are away');
  health.set('topic', 'the brokers are away');
  health.set('store', 'ClickHouse is away');
  health.set('topics', 'two partitions', 'broken');
  health.set('topic', undefined);
  health.set('topics', undefined);
  health.set('store', undefined);
  expect(told).toEqual([
    'ok',
    'recoverable the brokers are away',
    'recoverable the brokers are away; ClickHouse is away',
    'broken the brokers are away; ClickHouse is away; two partitions',
    'broken ClickHouse is away; two partitions',
    'recoverable ClickHouse is away',
    'ok',
  ]);
});

test('a part that reports as a component of its own would counts as one part', () => {
  const { told, health } = recorded();
  const store = health.reporterOf('store');
  store.report('recoverable', 'could not save');
  health.set('group', 'not joined');
  store.report('ok');
  expect(told).toEqual([
    'recoverable could not save',
    'recoverable could not save; not joined',
    'recoverable not joined',
  ]);
});
