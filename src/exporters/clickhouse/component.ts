import { readFileSync } from 'node:fs';
import type { Component } from '../../base/component.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import { ClickHouse } from '../../clickhouse/client.ts';
import { checkShards } from '../../clickhouse/cluster-check.ts';
import type { ClusterLayout } from '../../clickhouse/cluster-ddl.ts';
import { ensureWindows, neededWindow } from '../../clickhouse/dedup-windows.ts';
import { isNotAllowed } from '../../clickhouse/errors.ts';
import { checkSchema, migrate } from '../../clickhouse/migrate.ts';
import { createSamplingStore } from '../../clickhouse/sampling-store.ts';
import { EdgeDerivation } from '../../clickhouse/service-graph/edge-derivation.ts';
import { isEdgeSource } from '../../dependencies/edge-rules.ts';
import type { ExporterType } from '../../flow/component-type.ts';
import type { MainContext } from '../../flow/host.ts';
import type { BlockSink, LaneContext, SinkInputs } from '../../flow/lane.ts';
import { retrying } from '../../flow/retry.ts';
import type { SamplingStore } from '../../sampling/store/store.ts';
import { ClickHouseSink } from './clickhouse-sink.ts';
import { type ClickHouseExporterConfig, clickHouseExporterConfig } from './config.ts';
import { healthOfShards, ShardedSink } from './sharded-sink.ts';

export const clickHouseExporter: ExporterType<ClickHouseExporterConfig> = {
  kind: 'exporter',
  type: 'clickhouse',
  description: 'Keeps spans, RED metrics and sampling throughput in ClickHouse, each of them once.',
  config: clickHouseExporterConfig,
  signals: ['traces', 'metrics'],
  readsHistograms: true,
  createMain: (config, context) => new ClickHouseMain(config, context),
  createLane: createSink,
};

function createSink(config: ClickHouseExporterConfig, context: LaneContext, inputs: SinkInputs): BlockSink {
  const [first, ...others] = openShards(config, context.id, config.concurrent_inserts * 3);
  if (config.cluster === undefined) return new ClickHouseSink(config, first, { context, inputs });
  const healths = healthOfShards(context.health, 1 + others.length);
  const sinkOf = (client: ClickHouse, i: number): ClickHouseSink =>
    new ClickHouseSink(config, client, {
      context: { ...context, health: healths[i] ?? context.health },
      inputs,
    });
  const sinks = others.map((client, i) => sinkOf(client, i + 1));
  return new ShardedSink(config.cluster.shards, [sinkOf(first, 0), ...sinks]);
}

/** A client of each shard, in the order of the configuration; of a single server, one. Throws START as `openClickHouse`. */
export function openShards(
  config: ClickHouseExporterConfig,
  id: string,
  maxConnections: number,
): [ClickHouse, ...ClickHouse[]] {
  const others = config.cluster?.shards.slice(1) ?? [];
  const open = (endpoint?: string): ClickHouse => openClickHouse(config, id, maxConnections, endpoint);
  return [open(), ...others.map((shard) => open(shard.endpoint))];
}

/** How the schema is laid out; undefined = on a single server. */
export function layoutOf({ cluster }: ClickHouseExporterConfig): ClusterLayout | undefined {
  if (cluster === undefined) return undefined;
  const { ddl, name, replicated } = cluster;
  return { name, onCluster: ddl === 'on_cluster', replicated };
}

/**
 * A client as the exporter's configuration says, of the first shard unless another one is named; nothing is sent yet. Throws
 * START for a file that can't be read.
 */
export function openClickHouse(
  config: ClickHouseExporterConfig,
  id: string,
  maxConnections: number,
  endpoint = config.cluster?.shards[0]?.endpoint ?? config.endpoint,
): ClickHouse {
  const { tls } = config;
  const read = (name: 'ca_file' | 'cert_file' | 'key_file'): Buffer | undefined => {
    const file = tls?.[name];
    if (file === undefined) return undefined;
    try {
      return readFileSync(file);
    } catch (error) {
      const message = `exporters.${id}.tls.${name}: can't read ${file}: ${toError(error).message}`;
      throw new SpanweirError('START', message, { cause: error });
    }
  };
  return new ClickHouse({
    url: endpoint,
    username: config.username || 'default',
    password: config.password,
    database: config.database,
    timeoutMs: config.timeout,
    maxConnections,
    gzip: config.compress === 'gzip',
    tls: { ca: read('ca_file'), cert: read('cert_file'), key: read('key_file') },
    settings: config.connection_params,
    cluster: config.cluster?.name,
  });
}

const START_CONNECTIONS = 4;
const UTC = new Set(['UTC', 'Etc/UTC', 'Universal', 'Zulu', 'GMT', 'Etc/GMT']);

/** The main half: the schema before anything is inserted, and what other components want of the database. */
export class ClickHouseMain implements Component {
  readonly id: string;
  /** For the components that query: valid from creation on, usable after `start`. */
  readonly clickhouse: ClickHouse;
  readonly samplingStore: SamplingStore;
  readonly #servers: readonly [ClickHouse, ...ClickHouse[]];
  readonly #config: ClickHouseExporterConfig;
  readonly #context: MainContext;
  readonly #stopping = new AbortController();

  constructor(config: ClickHouseExporterConfig, context: MainContext) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    this.#servers = openShards(config, context.id, START_CONNECTIONS);
    this.clickhouse = this.#servers[0];
    this.samplingStore = createSamplingStore(this.clickhouse);
  }

  async start(): Promise<void> {
    const { health } = this.#context;
    health.report('starting');
    for (const server of this.#servers) await this.#prepare(server);
    this.#deriveGraphs();
    health.report('ok');
  }

  async #prepare(server: ClickHouse): Promise<void> {
    const { clock, log, random } = this.#context;
    const cluster = layoutOf(this.#config);
    await this.#untilServing(server);
    if (cluster !== undefined) await checkShards(server, this.#servers.length);
    if (this.#config.create_schema) {
      const { spans: spansTtlMs, ...tableTtlsMs } = this.#config.ttl;
      await migrate(server, { spansTtlMs, tableTtlsMs, cluster, dryRun: false, clock, random, log });
    } else await checkSchema(server);
    // Replicated tables have another setting for it, which sql/ gives them.
    const mayAlter = this.#config.create_schema && cluster?.replicated !== true;
    await ensureWindows(server, neededWindow(this.#config.timeout), { log, mayAlter });
    await this.#warnOfLocalDays(server);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const server of this.#servers) await server.close();
    this.#context.health.report('stopped');
  }

  /** Of the connectors that leave that to the database. */
  #deriveGraphs(): void {
    const { id, clock, instruments, log, random, redInputs } = this.#context;
    for (const connector of redInputs) {
      const source = this.#context.peer(`connector:${connector}`);
      if (!isEdgeSource(source)) continue;
      const labels = { exporter: id, connector };
      const derivation = new EdgeDerivation(this.clickhouse, {
        connector,
        source: source.edges,
        clock,
        random,
        log,
        derived: instruments.counter('spanweir_service_graph_derived_graphs_total', labels),
        due: instruments.gauge('spanweir_service_graph_due_graphs', labels),
      });
      void derivation.run(this.#stopping.signal);
    }
  }

  /** A block's marker is on its first row of each UTC day: a partition that is another day may have none. */
  async #warnOfLocalDays(server: ClickHouse): Promise<void> {
    const [row] = await server.query<{ zone: string }>('SELECT timezone() AS zone');
    if (row === undefined || UTC.has(row.zone)) return;
    this.#context.log.warn(
      { timezone: row.zone },
      "the server's days are not UTC days: what is put in again after a crash of ClickHouse around midnight may be " +
        'there twice; set its timezone to UTC',
    );
  }

  async #untilServing(server: ClickHouse): Promise<void> {
    const { clock, log, random } = this.#context;
    const giveUpAt = clock.monotonicMs() + this.#config.start_timeout;
    try {
      await retrying(() => server.check(), this.#stopping.signal, {
        initialMs: 100,
        maxMs: 2_000,
        clock,
        random,
        isFinal: (error) => isNotAllowed(error) || clock.monotonicMs() > giveUpAt,
        onFailure: (err) => log.warn({ err, endpoint: server.url }, 'waiting for ClickHouse'),
      });
    } catch (error) {
      const option = `exporters.${this.id}.${this.#config.cluster === undefined ? '' : 'cluster.shards.'}endpoint`;
      throw new SpanweirError('START', `${option} ${server.url}: ${toError(error).message}`, {
        cause: error,
      });
    }
  }
}
