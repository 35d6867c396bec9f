import { systemClock } from '../base/clock.ts';
import type { Log } from '../base/instruments.ts';
import { migrate as migrateDatabase } from '../clickhouse/migrate.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { openClickHouse } from '../exporters/clickhouse/component.ts';
import type { ClickHouseExporterConfig } from '../exporters/clickhouse/config.ts';
import { createInstruments } from '../telemetry/instruments.ts';
import { createLog } from '../telemetry/logger.ts';
import { componentType } from './components.ts';
import { deadlineIn } from './deadline.ts';
import { Host } from './host.ts';
import { createListeners } from './listeners.ts';

/**
 * Brings the schema of every ClickHouse exporter of the configuration up to date, or only prints what would
 * be run. A database that the configuration embeds is started for it, so the engine must not be running.
 */
export async function migrate(
  config: LoadedConfig,
  dryRun: boolean,
  print: (line: string) => void,
): Promise<void> {
  const log = createLog(config.service.telemetry.logs);
  const databases = databasesOf(config, log);
  const stopTimeMs = config.service.spanweir.shutdownTimeoutMs;
  try {
    for (const database of databases) await database.start();
    for (const [id, exporter] of Object.entries(config.exporters)) {
      if (exporter.type !== 'clickhouse') continue;
      await migrateOne(id, exporter.config as ClickHouseExporterConfig, { dryRun, print, log });
    }
  } finally {
    const deadline = deadlineIn(stopTimeMs);
    for (const database of databases) await database.stop(deadline);
    deadline.clear();
  }
}

async function migrateOne(
  id: string,
  config: ClickHouseExporterConfig,
  { dryRun, print, log }: { dryRun: boolean; print: (line: string) => void; log: Log },
): Promise<void> {
  const client = openClickHouse(config, id, 1);
  try {
    const { statements, applied } = await migrateDatabase(client, {
      spansTtlMs: config.ttl,
      dryRun,
      clock: systemClock,
      random: Math.random,
      log,
    });
    if (dryRun) for (const statement of statements) print(`${statement};\n`);
    const what =
      applied.length === 0
        ? 'up to date'
        : `${dryRun ? 'lacks' : 'brought forward by'} ${applied.join(', ')}`;
    print(`-- ${id}: ${config.database} at ${config.endpoint}: ${what}`);
  } finally {
    await client.close();
  }
}

/** The extensions that are databases, alone in a house of their own. */
function databasesOf(config: LoadedConfig, log: Log) {
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
    ingressFor: () => () => Promise.reject(new Error('nothing is taken while migrating')),
    peers: {},
  }).components;
}
