import { readFileSync } from 'node:fs';
import type { Component } from '../../base/component.ts';
import { SpanweirError, toError } from '../../base/errors.ts';
import { ClickHouse } from '../../clickhouse/client.ts';
import { ensureWindows, neededWindow } from '../../clickhouse/dedup-windows.ts';
import { isNotAllowed } from '../../clickhouse/errors.ts';
import { checkSchema, migrate } from '../../clickhouse/migrate.ts';
import { createSamplingStore } from '../../clickhouse/sampling-store.ts';
import { EdgeDerivation } from '../../clickhouse/service-graph/edge-derivation.ts';
import { isEdgeSource } from '../../dependencies/edge-rules.ts';
import type { ExporterType } from '../../flow/component-type.ts';
import type { MainContext } from '../../flow/host.ts';
import { retrying } from '../../flow/retry.ts';
import type { SamplingStore } from '../../sampling/store/store.ts';
import { ClickHouseSink } from './clickhouse-sink.ts';
import { type ClickHouseExporterConfig, clickHouseExporterConfig } from './config.ts';

export const clickHouseExporter: ExporterType<ClickHouseExporterConfig> = {
  kind: 'exporter',
  type: 'clickhouse',
  description: 'Keeps spans, RED metrics and sampling throughput in ClickHouse, each of them once.',
  config: clickHouseExporterConfig,
  signals: ['traces', 'metrics'],
  readsHistograms: true,
  createMain: (config, context) => new ClickHouseMain(config, context),
  createLane: (config, context, inputs) =>
    new ClickHouseSink(config, openClickHouse(config, context.id, config.concurrent_inserts * 3), {
      context,
      inputs,
    }),
};

/** A client as the exporter's configuration says; nothing is sent yet. Throws START for a file that can't be read. */
export function openClickHouse(
  config: ClickHouseExporterConfig,
  id: string,
  maxConnections: number,
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
    url: config.endpoint,
    username: config.username || 'default',
    password: config.password,
    database: config.database,
    timeoutMs: config.timeout,
    maxConnections,
    gzip: config.compress === 'gzip',
    tls: { ca: read('ca_file'), cert: read('cert_file'), key: read('key_file') },
    settings: config.connection_params,
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
  readonly #config: ClickHouseExporterConfig;
  readonly #context: MainContext;
  readonly #stopping = new AbortController();

  constructor(config: ClickHouseExporterConfig, context: MainContext) {
    this.id = context.id;
    this.#config = config;
    this.#context = context;
    this.clickhouse = openClickHouse(config, context.id, START_CONNECTIONS);
    this.samplingStore = createSamplingStore(this.clickhouse);
  }

  async start(): Promise<void> {
    const { clock, health, log, random } = this.#context;
    health.report('starting');
    await this.#untilServing();
    if (this.#config.create_schema) {
      const { spans: spansTtlMs, ...tableTtlsMs } = this.#config.ttl;
      await migrate(this.clickhouse, { spansTtlMs, tableTtlsMs, dryRun: false, clock, random, log });
    } else await checkSchema(this.clickhouse);
    const mayAlter = this.#config.create_schema;
    await ensureWindows(this.clickhouse, neededWindow(this.#config.timeout), { log, mayAlter });
    await this.#warnOfLocalDays();
    this.#deriveGraphs();
    health.report('ok');
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.clickhouse.close();
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
  async #warnOfLocalDays(): Promise<void> {
    const [row] = await this.clickhouse.query<{ zone: string }>('SELECT timezone() AS zone');
    if (row === undefined || UTC.has(row.zone)) return;
    this.#context.log.warn(
      { timezone: row.zone },
      "the server's days are not UTC days: what is put in again after a crash of ClickHouse around midnight may be " +
        'there twice; set its timezone to UTC',
    );
  }

  async #untilServing(): Promise<void> {
    const { clock, log, random } = this.#context;
    const giveUpAt = clock.monotonicMs() + this.#config.start_timeout;
    try {
      await retrying(() => this.clickhouse.check(), this.#stopping.signal, {
        initialMs: 100,
        maxMs: 2_000,
        clock,
        random,
        isFinal: (error) => isNotAllowed(error) || clock.monotonicMs() > giveUpAt,
        onFailure: (err) => log.warn({ err, endpoint: this.#config.endpoint }, 'waiting for ClickHouse'),
      });
    } catch (error) {
      const option = `exporters.${this.id}.endpoint`;
      throw new SpanweirError('START', `${option} ${this.#config.endpoint}: ${toError(error).message}`, {
        cause: error,
      });
    }
  }
}
