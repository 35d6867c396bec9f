import { expect, test } from 'vitest';
import { prometheusConfig } from '../../../src/exporters/prometheus/config.ts';

test('only the endpoint has to be given', () => {
  expect(prometheusConfig.parse({ endpoint: '127.0.0.1:8889' })).toMatchObject({
    endpoint: { host: '127.0.0.1', port: 8889 },
    namespace: '',
    const_labels: {},
    send_timestamps: false,
    metric_expiration: 300_000,
    enable_open_metrics: false,
    translation_strategy: 'UnderscoreEscapingWithSuffixes',
    without_scope_info: false,
  });
  expect(prometheusConfig.safeParse({}).error?.issues[0]?.path).toEqual(['endpoint']);
});

test.each([
  [
    { resource_to_telemetry_conversion: { enabled: true } },
    'resource_to_telemetry_conversion is not supported yet',
  ],
  [{ const_labels: { le: '1' } }, "'le' belongs to the buckets"],
  [{ translation_strategy: 'Nonsense' }, 'Invalid option'],
  [{ nonsense: 1 }, 'Unrecognized key'],
])('%o is refused', (option, text) => {
  const { error } = prometheusConfig.safeParse({ endpoint: 'localhost:8889', ...option });
  expect(error?.issues.map(({ message }) => message)).toEqual([expect.stringContaining(text)]);
});
