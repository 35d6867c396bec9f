import { z } from 'zod';
import { endpoint } from '../../base/schema.ts';

export const embeddedClickHouseConfig = z
  .strictObject({
    unless: z
      .string()
      .default('')
      .describe(
        'when this is not empty, nothing is started; give it the variable that names a server of your own: ${env:CLICKHOUSE_URL:-}',
      ),
    directory: z.string().min(1).default('data/clickhouse').describe('where the data is kept'),
    endpoint: endpoint('localhost:8123').describe(
      'where its HTTP interface listens; it asks nobody for a password',
    ),
    native_endpoint: endpoint('localhost:9000').describe(
      'where its native protocol listens, on the host of `endpoint`; for clickhouse-client and Grafana',
    ),
    max_server_memory_usage: z
      .int()
      .min(256 << 20)
      .default(2 * 1024 ** 3)
      .describe('most memory that the server may take, bytes; its caches are sized after it'),
  })
  .refine((config) => config.endpoint.host === config.native_endpoint.host, {
    path: ['native_endpoint'],
    error: 'must have the same host as endpoint',
  })
  .describe('runs a real ClickHouse server as a supervised child process');

export type EmbeddedClickHouseConfig = z.output<typeof embeddedClickHouseConfig>;
