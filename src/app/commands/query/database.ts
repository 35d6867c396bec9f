import { ClickHouse } from '../../../clickhouse/client.ts';
import { TABLE_TTLS_MS } from '../../../clickhouse/migrations.ts';
import type { KeptS } from '../../../clickhouse/queries/rollups.ts';
import type { ClickHouseExporterConfig } from '../../../exporters/clickhouse/config.ts';
import { UsageError } from '../command.ts';

const TIMEOUT_MS = 120_000;

/** How long the RED tables are kept. */
export function keptOf(ttls: Omit<ClickHouseExporterConfig['ttl'], 'spans'>): KeptS {
  return {
    span_metrics_10s: ttls.span_metrics_10s / 1000,
    span_metrics_1m: ttls.span_metrics_1m / 1000,
    span_metrics_1h: ttls.span_metrics_1h / 1000,
    span_metrics_1d: ttls.span_metrics_1d / 1000,
  };
}

/** Where there is no configuration to ask. */
export const USUALLY_KEPT: KeptS = keptOf(TABLE_TTLS_MS);

/** Works with the server that `--clickhouse` names. */
export async function withServer<T>(
  text: string,
  database: string | undefined,
  work: (client: ClickHouse) => Promise<T>,
): Promise<T> {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(`--clickhouse ${text}: expected a URL such as http://localhost:8123`);
  }
  const client = new ClickHouse({
    url: url.origin,
    username: decodeURIComponent(url.username) || 'default',
    password: decodeURIComponent(url.password),
    database: database ?? 'spanweir',
    timeoutMs: TIMEOUT_MS,
    maxConnections: 2,
    gzip: false,
    // Where it is a server of a cluster, a subquery sees all shards.
    settings: { readonly: '2', distributed_product_mode: 'global' },
  });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
