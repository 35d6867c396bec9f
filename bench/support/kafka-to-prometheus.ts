/**
 * The file that must run in the collector and in Spanweir alike: Kafka to span metrics to Prometheus. `extra`
 * is merged into the connector's options.
 */
export function kafkaToPrometheus(options: {
  readonly brokers: readonly string[];
  readonly group: string;
  readonly topic: string;
  readonly port: number;
  readonly spanMetrics?: object;
  /** Of service.telemetry: both know `metrics.level: none`. */
  readonly service?: object;
}): object {
  const { brokers, group, topic, port, spanMetrics = {}, service = {} } = options;
  return {
    receivers: {
      kafka: {
        brokers,
        group_id: group,
        initial_offset: 'earliest',
        traces: { topics: [topic], encoding: 'otlp_proto' },
      },
    },
    connectors: { span_metrics: spanMetrics },
    exporters: { prometheus: { endpoint: `127.0.0.1:${port}` } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      ...service,
      pipelines: {
        traces: { receivers: ['kafka'], exporters: ['span_metrics'] },
        metrics: { receivers: ['span_metrics'], exporters: ['prometheus'] },
      },
    },
  };
}
