import type { ComponentContext } from '../../base/component.ts';
import type { Counter, Gauge } from '../../base/instruments.ts';

const MAX_LAG_GAUGES = 512;

/** What the receiver tells about itself; names are declared in telemetry/metrics.ts. */
export interface Counters {
  readonly rebalances: Counter;
  readonly restarts: Counter;
  readonly resets: Counter;
  readonly deleted: Counter;
  readonly assigned: Gauge;
  unreadable(reason: string): Counter;
  deadLetters(reason: string): Counter;
  /** Letters that stand in their topic without their value, by where that is. */
  tooLarge(value: 'folder' | 'source'): Counter;
  /** Undefined when there are more partitions than gauges: labels are bounded. */
  lag(topic: string, partition: number): Gauge | undefined;
}

export function countersOf({ id, instruments }: ComponentContext): Counters {
  const receiver = { receiver: id };
  const lagGauges = new Map<string, Gauge>();
  return {
    rebalances: instruments.counter('spanweir_kafka_receiver_rebalances_total', receiver),
    restarts: instruments.counter('spanweir_kafka_receiver_restarts_total', receiver),
    resets: instruments.counter('spanweir_kafka_receiver_offset_resets_total', receiver),
    deleted: instruments.counter('spanweir_kafka_receiver_dead_letters_deleted_total', receiver),
    assigned: instruments.gauge('spanweir_kafka_receiver_assigned_partitions', receiver),
    unreadable: (reason) =>
      instruments.counter('spanweir_kafka_receiver_unreadable_batches_total', { ...receiver, reason }),
    deadLetters: (reason) =>
      instruments.counter('spanweir_kafka_receiver_dead_letters_total', { ...receiver, reason }),
    tooLarge: (value) =>
      instruments.counter('spanweir_kafka_receiver_dead_letters_too_large_total', { ...receiver, value }),
    lag: (topic, partition) => {
      const key = `${topic}/${partition}`;
      const known = lagGauges.get(key);
      if (known !== undefined || lagGauges.size >= MAX_LAG_GAUGES) return known;
      const labels = { ...receiver, topic, partition: String(partition) };
      const gauge = instruments.gauge('spanweir_kafka_receiver_lag_messages', labels);
      lagGauges.set(key, gauge);
      return gauge;
    },
  };
}
