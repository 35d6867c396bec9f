import { SpanweirError } from '../base/errors.ts';
import type { ClickHouse } from './client.ts';

/** Rejects with START unless the Distributed tables of the server read so many shards, those that are written to. */
export async function checkShards(client: ClickHouse, shards: number): Promise<void> {
  const [row] = await client.query<{ n: string }>(
    'SELECT uniqExact(shard_num) AS n FROM system.clusters WHERE cluster = {cluster: String}',
    { cluster: client.cluster },
  );
  if (Number(row?.n) === shards) return;
  throw new SpanweirError(
    'START',
    `the cluster ${client.cluster} of ${client.url} has ${row?.n} shards in its remote_servers, and ${shards} in the configuration: ` +
      'what is written to one that is missing there is never read',
  );
}
