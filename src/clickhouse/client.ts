import { Readable } from 'node:stream';
import {
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
  ClickHouseLogLevel,
  createClient,
} from '@clickhouse/client';
import { isBroken } from '../base/failpoints.ts';
import { clickHouseError } from './errors.ts';
import { INSERT_SETTINGS } from './settings.ts';

export interface ClickHouseOptions {
  /** `http://host:8123`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Tables are always named with it. */
  readonly database: string;
  readonly timeoutMs: number;
  readonly maxConnections: number;
  readonly gzip: boolean;
  /** PEM. */
  readonly tls?: { readonly [part in 'ca' | 'cert' | 'key']?: Buffer | undefined };
  /** Settings of every query, as the user gave them; ours win. */
  readonly settings: Readonly<Record<string, string>>;
  /** Name of the cluster in `remote_servers` whose shard this server is; undefined = a server of its own. */
  readonly cluster?: string | undefined;
}

/** What the tables of a shard are called, behind the Distributed ones that have the usual names. */
export const LOCAL = '_local';

/** For questions to tables that lie on several shards: a subquery sees all of them, not only those of its shard. */
const CLUSTER_SETTINGS = { distributed_product_mode: 'global' };

/** An answer with its columns; 64-bit integers come as strings, what is not a finite number as null. */
export interface QueriedTable {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  /** How long the server took, in ms. */
  readonly serverMs: number;
}

export interface InsertTarget {
  readonly table: string;
  /** `insert_deduplication_token`. */
  readonly token: string;
}

/** Talks HTTP to one ClickHouse. Everything it does rejects with a SpanweirError (UNAVAILABLE or REFUSED). */
export class ClickHouse {
  readonly database: string;
  readonly url: string;
  readonly cluster: string | undefined;
  readonly #client: ClickHouseClient;
  #tries = 0;

  constructor(options: ClickHouseOptions) {
    this.database = options.database;
    this.url = options.url;
    this.cluster = options.cluster;
    this.#client = createClient({
      url: options.url,
      username: options.username,
      password: options.password,
      application: 'spanweir',
      request_timeout: options.timeoutMs,
      max_open_connections: options.maxConnections,
      compression: { request: options.gzip, response: false },
      clickhouse_settings:
        options.cluster === undefined ? options.settings : { ...CLUSTER_SETTINGS, ...options.settings },
      log: { level: ClickHouseLogLevel.OFF },
      ...tlsOptions(options),
    });
  }

  /** The table of this server in which the rows of `table` lie: another one than is asked where there are shards. */
  stored(table: string): string {
    return this.cluster === undefined ? table : table + LOCAL;
  }

  /** A statement without an answer. */
  async command(query: string, settings: Readonly<Record<string, string>> = {}): Promise<void> {
    try {
      await this.#client.command({
        query,
        clickhouse_settings: { ...settings, wait_end_of_query: 1 },
      });
    } catch (error) {
      throw clickHouseError(error, 'ClickHouse');
    }
  }

  /** Rows as objects; 64-bit integers come as strings. Parameters stand in the query as `{name: Type}`. */
  async query<T>(query: string, parameters: Record<string, unknown> = {}): Promise<T[]> {
    try {
      const result = await this.#client.query({
        query,
        format: 'JSONEachRow',
        query_params: parameters,
        clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
      });
      return await result.json<T>();
    } catch (error) {
      throw clickHouseError(error, 'ClickHouse');
    }
  }

  /** The same with names and types of the columns, and how long it took. */
  async queryTable(query: string, parameters: Record<string, unknown> = {}): Promise<QueriedTable> {
    try {
      const result = await this.#client.query({
        query,
        format: 'JSONCompact',
        query_params: parameters,
        // Without it the headers come before the work is done, and with them the time that it took.
        clickhouse_settings: { output_format_json_quote_64bit_integers: 1, wait_end_of_query: 1 },
      });
      const { meta = [], data } = await result.json<readonly unknown[]>();
      const summary = result.response_headers['x-clickhouse-summary'];
      const { elapsed_ns = '0' } = JSON.parse(String(summary ?? '{}')) as { elapsed_ns?: string };
      return { columns: meta, rows: data, serverMs: Number(elapsed_ns) / 1e6 };
    } catch (error) {
      throw clickHouseError(error, 'ClickHouse');
    }
  }

  /**
   * Inserts one block in the Native format, into this server. Resolves when it is durable in the table and its views. The
   * bytes must stay as they are until then; the same bytes may be sent again with the same token.
   */
  async insertNative(target: InsertTarget, block: Uint8Array, signal?: AbortSignal): Promise<void> {
    const table = `${quoted(this.database)}.${quoted(this.stored(target.table))}`;
    const token = isBroken('token_of_each_try') ? `${target.token}:${this.#tries++}` : target.token;
    try {
      const { stream } = await this.#client.exec({
        query: `INSERT INTO ${table} FORMAT Native`,
        values: Readable.from([block], { objectMode: false }),
        clickhouse_settings: { ...INSERT_SETTINGS, insert_deduplication_token: token },
        ...(signal === undefined ? {} : { abort_signal: signal }),
      });
      // An answer that is not read keeps its connection for ever.
      for await (const _ of stream);
    } catch (error) {
      throw clickHouseError(error, `insert into ${target.table}`);
    }
  }

  /** Rejects when the server does not answer, or not to this user. */
  async check(): Promise<void> {
    await this.query('SELECT 1');
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

function tlsOptions({ tls }: ClickHouseOptions): Pick<ClickHouseClientConfigOptions, 'tls'> {
  if (tls?.ca === undefined) return {};
  const { ca: ca_cert, cert, key } = tls;
  return { tls: cert === undefined || key === undefined ? { ca_cert } : { ca_cert, cert, key } };
}

export function quoted(identifier: string): string {
  return `\`${identifier.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}
