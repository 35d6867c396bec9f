import { migrate } from '../../clickhouse/migrate.ts';
import { layoutOf, openShards } from '../../exporters/clickhouse/component.ts';
import { type Command, type CommandIo, EXIT, isGiven } from './command.ts';
import { type ClickHouseExporter, clickHouseExporters, withEmbedded } from './databases.ts';

const HELP = `spanweir migrate - brings the ClickHouse schema up to date

Usage: spanweir migrate --config FILE... [--set KEY=VALUE...] [--dry-run]

Does it for every clickhouse exporter of the configuration. A database that the configuration embeds is started
for it, so the engine must not be running.

Options:
  --dry-run          only print the statements that would be run
`;

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'bring the ClickHouse schema up to date; --dry-run only shows what would be done',
  help: HELP,
  options: { 'dry-run': { type: 'boolean' } },
  run: (given, config, io) =>
    withEmbedded(config, io.log, async () => {
      for (const exporter of clickHouseExporters(config)) {
        await migrateOne(exporter, isGiven(given, 'dry-run'), io);
      }
      return EXIT.ok;
    }),
};

async function migrateOne(
  { id, config }: ClickHouseExporter,
  dryRun: boolean,
  { print, log, clock }: CommandIo,
): Promise<void> {
  const clients = openShards(config, id, 1);
  try {
    const { spans: spansTtlMs, ...tableTtlsMs } = config.ttl;
    for (const client of clients) {
      const { statements, applied } = await migrate(client, {
        spansTtlMs,
        tableTtlsMs,
        cluster: layoutOf(config),
        dryRun,
        clock,
        random: Math.random,
        log,
      });
      if (dryRun) for (const statement of statements) print(`${statement};\n`);
      const what =
        applied.length === 0
          ? 'up to date'
          : `${dryRun ? 'lacks' : 'brought forward by'} ${applied.join(', ')}`;
      print(`-- ${id}: ${config.database} at ${client.url}: ${what}`);
    }
  } finally {
    for (const client of clients) await client.close();
  }
}
