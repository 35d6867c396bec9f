import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../scripts/parts/ports.mjs';
import { systemClock } from '../../../src/base/clock.ts';
import type { ClickHouse } from '../../../src/clickhouse/client.ts';
import {
  type ClickHouseMain,
  clickHouseExporter,
  openShards,
} from '../../../src/exporters/clickhouse/component.ts';
import {
  type ClickHouseExporterConfig,
  clickHouseExporterConfig,
} from '../../../src/exporters/clickhouse/config.ts';
import type { MainContext } from '../../../src/flow/host.ts';
import { type RunningClickHouse, startClickHouse } from '../../support/clickhouse.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { deafInstruments, silentLog } from './database.ts';

export interface TwoShards {
  readonly servers: readonly [RunningClickHouse, RunningClickHouse];
  /** As a user writes it. */
  readonly given: Readonly<Record<string, unknown>>;
  readonly config: ClickHouseExporterConfig;
  /** Of the shards, in their order. */
  readonly clients: readonly [ClickHouse, ClickHouse];
  /** The main half of an exporter for it. */
  readonly main: (more?: Readonly<Record<string, unknown>>) => ClickHouseMain;
  stop(): Promise<void>;
}

/** Two engines that know each other as the shards of the cluster `pair`; no schema yet. */
export async function startTwoShards(): Promise<TwoShards> {
  const dir = makeTempDir('spanweir-shards-');
  const nativePorts = [await freePort(), await freePort()] as const;
  const shards = nativePorts.map(
    (port) => `<shard><replica><host>127.0.0.1</host><port>${port}</port></replica></shard>`,
  );
  const moreConfig = `<remote_servers><pair>${shards.join('')}</pair></remote_servers>`;
  const start = (i: 0 | 1): Promise<RunningClickHouse> =>
    startClickHouse({ dir: join(dir, `shard-${i}`), nativePort: nativePorts[i], moreConfig });
  const servers = await Promise.all([start(0), start(1)]);
  const given = {
    database: 'shop',
    retry_on_failure: { initial_interval: '50ms', max_interval: '200ms' },
    cluster: { name: 'pair', shards: servers.map(({ url }) => ({ endpoint: url })) },
  };
  const config = clickHouseExporterConfig.parse(given);
  const clients = openShards(config, 'clickhouse', 8) as unknown as [ClickHouse, ClickHouse];
  return {
    servers,
    given,
    config,
    clients,
    main: (more = {}) =>
      clickHouseExporter.createMain?.(
        clickHouseExporterConfig.parse({ ...given, ...more }),
        mainContext,
      ) as ClickHouseMain,
    stop: async () => {
      for (const client of clients) await client.close();
      await Promise.all(servers.map((server) => server.stop()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const nothing = (): void => undefined;
const mainContext: MainContext = {
  id: 'clickhouse',
  clock: systemClock,
  random: Math.random,
  log: silentLog,
  instruments: deafInstruments,
  health: { report: nothing },
  listeners: {} as MainContext['listeners'],
  ingress: () => Promise.reject(new Error('nothing is taken here')),
  onLaneMessage: nothing,
  onRed: nothing,
  redInputs: [],
  peer: nothing,
};
