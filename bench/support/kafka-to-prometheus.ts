/**
 * The file that must run in the collector and in Spanweir alike: Kafka to span metrics to Prometheus. `extra`
 * is merged into the connector's options.
 */
export function kafkaToPrometheus(options: {
  readonly brokers: readonly string[];
  readonly group: string;
  readonly topic: string;
  readonly port: number;
  /** How many receivers read the topic, each with a group of its own and all of it; default 1. */
  readonly readings?: number;
  readonly spanMetrics?: object;
  /** Of service.telemetry: both know `metrics.level: none`. */
  readonly service?: object;
  readonly prometheus?: object;
}): object {
  const { brokers, group, topic, port, readings = 1 } = options;
  const { prometheus = {}, service = {}, spanMetrics = {} } = options;
  const receivers = Array.from({ length: readings }, (_, i) => {
    const [name, groupId] = i === 0 ? ['kafka', group] : [`kafka/${i + 1}`, groupOfReading(group, i)];
    return [
      name,
      {
        brokers,
        group_id: groupId,
        initial_offset: 'earliest',
        traces: { topics: [topic], encoding: 'otlp_proto' },
      },
    ] as const;
  });
  return {
    receivers: Object.fromEntries(receivers),
    connectors: { span_metrics: spanMetrics },
    exporters: { prometheus: { endpoint: `127.0.0.1:${port}`, ...prometheus } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      ...service,
      pipelines: {
        traces: { receivers: receivers.map(([name]) => name), exporters: ['span_metrics'] },
        metrics: { receivers: ['span_metrics'], exporters: ['prometheus'] },
      },
    },
  };
}

/** The group of the receiver with this number, from 0 on. */
export function groupOfReading(group: string, reading: number): string {
  return reading === 0 ? group : `${group}-${reading + 1}`;
}
