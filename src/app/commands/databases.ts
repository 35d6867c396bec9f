import { systemClock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Log } from '../../base/instruments.ts';
import type { ClickHouse } from '../../clickhouse/client.ts';
import { isNotAllowed } from '../../clickhouse/errors.ts';
import type { LoadedConfig } from '../../config/loaded-config.ts';
import { openClickHouse } from '../../exporters/clickhouse/component.ts';
import type { ClickHouseExporterConfig } from '../../exporters/clickhouse/config.ts';
import { createInstruments } from '../../telemetry/instruments.ts';
import { componentType } from '../components.ts';
import { deadlineIn } from '../deadline.ts';
import { Host } from '../host.ts';
import { createListeners } from '../listeners.ts';
import { UsageError } from './command.ts';

export interface ClickHouseExporter {
  readonly id: string;
  readonly config: ClickHouseExporterConfig;
}

/** In the order of the configuration. */
export function clickHouseExporters(config: LoadedConfig): ClickHouseExporter[] {
  return Object.entries(config.exporters)
    .filter(([, { type }]) => type === 'clickhouse')
    .map(([id, exporter]) => ({ id, config: exporter.config as ClickHouseExporterConfig }));
}

/** The one that `--exporter` names, or the only one there is. @throws UsageError */
export function chosenExporter(config: LoadedConfig, id: string | undefined): ClickHouseExporter {
  const all = clickHouseExporters(config);
  const names = all.map((exporter) => exporter.id).join(', ');
  if (all.length === 0) throw new UsageError('the configuration has no clickhouse exporter');
  if (id === undefined && all.length > 1) throw new UsageError(`--exporter is needed: one of ${names}`);
  const found = id === undefined ? all[0] : all.find((exporter) => exporter.id === id);
  if (found === undefined) throw new UsageError(`--exporter ${id}: expected one of ${names}`);
  return found;
}

export interface WorkOptions {
  readonly maxConnections: number;
  /** Longest wait for the answer to one query. */
  readonly timeoutMs: number;
  /** ClickHouse settings of every query. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * Works with an exporter's database. One that the configuration embeds is used as it runs, or started for the
 * time of the work when nothing answers there.
 */
export async function withClickHouse<T>(
  config: LoadedConfig,
  { id, config: exporter }: ClickHouseExporter,
  { log, ...options }: WorkOptions & { readonly log: Log },
  work: (client: ClickHouse) => Promise<T>,
): Promise<T> {
  const tuned = {
    ...exporter,
    timeout: options.timeoutMs,
    connection_params: { ...exporter.connection_params, ...options.settings },
  };
  const client = openClickHouse(tuned, id, options.maxConnections);
  try {
    const failure = await client.check().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return await work(client);
    // Something does answer there; starting another database would only hide why it refuses.
    if (isNotAllowed(failure)) throw failure;
    return await withEmbedded(config, log, async () => {
      await client.check();
      return work(client);
    });
  } finally {
    await client.close();
  }
}

/** Starts the databases that the configuration embeds, and stops them afterwards. */
export async function withEmbedded<T>(config: LoadedConfig, log: Log, work: () => Promise<T>): Promise<T> {
  const databases = embeddedDatabases(config, log);
  try {
    for (const database of databases) await database.start();
    return await work();
  } finally {
    const deadline = deadlineIn(config.service.spanweir.shutdownTimeoutMs);
    for (const database of databases) await database.stop(deadline);
    deadline.clear();
  }
}

/** The extensions that are databases, alone in a house of their own. */
function embeddedDatabases(config: LoadedConfig, log: Log): Component[] {
  const instruments = createInstruments(() => {});
  const extensions = config.service.extensions.filter((id) => {
    const type = componentType('extension', config.extensions[id]);
    return type.kind === 'extension' && type.startsBeforeExporters === true;
  });
  const alone: LoadedConfig = {
    ...config,
    receivers: {},
    processors: {},
    connectors: {},
    exporters: {},
    service: { ...config.service, extensions, pipelines: [] },
  };
  return new Host(alone, {
    listeners: createListeners({ log, clock: systemClock, instruments }),
    contextFor: (_key, id) => ({
      id,
      clock: systemClock,
      random: Math.random,
      log,
      instruments,
      health: { report: () => {} },
    }),
    ingressFor: () => () => Promise.reject(new Error('nothing is taken by a command')),
    peers: {},
  }).components;
}
