import { expect, test } from 'vitest';
import { embeddedClickHouseConfig } from '../../../src/extensions/embedded-clickhouse/config.ts';

test('by default it listens where ClickHouse does, on this machine only', () => {
  expect(embeddedClickHouseConfig.parse({})).toEqual({
    unless: '',
    directory: 'data/clickhouse',
    endpoint: { host: 'localhost', port: 8123 },
    native_endpoint: { host: 'localhost', port: 9000 },
    max_server_memory_usage: 2_147_483_648,
  });
});

test('both its ports are on one host', () => {
  const { error } = embeddedClickHouseConfig.safeParse({ endpoint: '0.0.0.0:8123' });
  expect(error?.issues[0]).toMatchObject({
    path: ['native_endpoint'],
    message: 'must have the same host as endpoint',
  });
});
