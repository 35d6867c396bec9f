import type { LoadedConfig } from '../../config/loaded-config.ts';
import type { KafkaReceiverConfig } from '../../receivers/kafka/config.ts';
import { UsageError } from '../commands/command.ts';
import { type ClickHouseExporter, clickHouseExporters } from '../commands/databases.ts';
import { planReceivers, type ReceiverPlan } from '../plan.ts';
import { revisionOf } from '../revision.ts';

/** From which receiver to which exporter. */
export interface ReplayTarget {
  readonly config: LoadedConfig;
  readonly receiver: string;
  readonly kafka: KafkaReceiverConfig;
  readonly exporter: ClickHouseExporter;
  /** The receiver's way to this exporter alone. */
  readonly plan: ReceiverPlan;
  /** By today's configuration. */
  readonly revision: number;
}

/** The kafka receiver and the clickhouse exporter that are named, or the only ones. @throws UsageError */
export function chooseTarget(
  config: LoadedConfig,
  named: { readonly receiver: string | undefined; readonly exporter: string | undefined },
): ReplayTarget {
  const receivers = Object.keys(config.receivers).filter((id) => config.receivers[id]?.type === 'kafka');
  const receiver = only('receiver', 'kafka', receivers, named.receiver);
  const plan = planReceivers(config).find((candidate) => candidate.receiver === receiver);
  const fed = clickHouseExporters(config).filter(({ id }) =>
    plan?.exporters.some(({ exporter }) => exporter === id),
  );
  const chosen = only(
    'exporter',
    'clickhouse',
    fed.map(({ id }) => id),
    named.exporter,
  );
  const exporter = fed.find(({ id }) => id === chosen);
  if (plan === undefined || exporter === undefined) throw new UsageError(`${receiver} feeds no ${chosen}`);
  if (exporter.config.cluster !== undefined) {
    throw new UsageError(`${chosen} writes to a cluster, into which replay does not put anything`);
  }
  const own = plan.exporters.filter((entry) => entry.exporter === chosen);
  const red = own.flatMap((entry) => entry.red);
  return {
    config,
    receiver,
    kafka: config.receivers[receiver]?.config as KafkaReceiverConfig,
    exporter,
    plan: {
      ...plan,
      exporters: own,
      connectors: plan.connectors.filter((id) => red.includes(id)),
      taps: [],
    },
    revision: revisionOf(config),
  };
}

function only(
  option: string,
  type: string,
  candidates: readonly string[],
  named: string | undefined,
): string {
  const names = candidates.join(', ');
  if (candidates.length === 0) throw new UsageError(`the configuration has no ${type} ${option} that is fed`);
  if (named === undefined && candidates.length > 1)
    throw new UsageError(`--${option} is needed: one of ${names}`);
  const found = named ?? (candidates[0] as string);
  if (!candidates.includes(found)) throw new UsageError(`--${option} ${found}: expected one of ${names}`);
  return found;
}
