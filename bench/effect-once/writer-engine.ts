import { type Child, startEngine } from '../support/engine.ts';
import type { Session } from '../support/session.ts';

/** An engine that reads a topic into a ClickHouse that runs elsewhere. */
export interface WriterEngine {
  readonly child: Child;
  readonly ownMetricsUrl: string;
}

export interface WriterOptions {
  /** Of its folder; the same one is found again. */
  readonly name: string;
  readonly group: string;
  readonly topic: string;
  readonly clickhousePort: number;
  /** Default 'spanweir'. */
  readonly database?: string;
  /** Merged into exporters.clickhouse. */
  readonly exporter?: object;
  /** Merged into receivers.kafka. */
  readonly receiver?: object;
  /** Merged into service.spanweir. */
  readonly settings?: object;
  /** RED metrics beside the spans; default true. */
  readonly isRedWanted?: boolean;
}

export async function startWriter(session: Session, options: WriterOptions): Promise<WriterEngine> {
  const { name, group, topic, clickhousePort, database = 'spanweir', isRedWanted = true } = options;
  const [own, health] = (await session.ports(2)) as [number, number];
  const child = await startEngine({
    dir: `${session.dir}/${name}`,
    config: {
      receivers: {
        kafka: {
          brokers: session.brokers,
          group_id: group,
          initial_offset: 'earliest',
          traces: { topics: [topic], encoding: 'otlp_proto' },
          ...options.receiver,
        },
      },
      ...(isRedWanted && { connectors: { span_metrics: {} } }),
      exporters: {
        clickhouse: { endpoint: `http://127.0.0.1:${clickhousePort}`, database, ...options.exporter },
      },
      extensions: { healthcheckv2: { use_v2: true, http: { endpoint: `127.0.0.1:${health}` } } },
      service: {
        extensions: ['healthcheckv2'],
        telemetry: { metrics: { address: `127.0.0.1:${own}` } },
        spanweir: { workers: 1, ...options.settings },
        pipelines: {
          traces: {
            receivers: ['kafka'],
            exporters: ['clickhouse', ...(isRedWanted ? ['span_metrics'] : [])],
          },
          ...(isRedWanted && { metrics: { receivers: ['span_metrics'], exporters: ['clickhouse'] } }),
        },
      },
    },
  });
  return { child, ownMetricsUrl: `http://127.0.0.1:${own}/metrics` };
}
