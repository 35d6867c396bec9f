import { expect, test } from 'vitest';
import { clickHouseExporter } from '../../../src/exporters/clickhouse/component.ts';
import { otlpReceiver } from '../../../src/receivers/otlp/component.ts';

/** Longest that a request waits for company before its block is written, ms. */
const LINGER_MS = 250;

test('by default a request is given up here before the receiver tells its sender to come again', () => {
  const { request_timeout } = clickHouseExporter.config.parse({});
  const { timeout } = otlpReceiver.config.parse({ protocols: { grpc: {} } });
  expect(request_timeout + LINGER_MS).toBeLessThan(timeout);
});
