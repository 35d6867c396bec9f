import { startCollector } from '../../scripts/parts/collector.mjs';
import { freePorts } from '../../scripts/parts/ports.mjs';
import { callsBySeries } from '../support/compare.ts';
import { type Child, startEngine } from '../support/engine.ts';
import { scrape } from '../support/exposition.ts';

/** Something that takes OTLP and shows span metrics. */
export interface Receiver {
  readonly child: Child;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly metricsUrl: string;
  /** Spans by series, as they are counted by now. */
  readonly counted: () => Promise<ReadonlyMap<string, number>>;
}

/** The same file for both: OTLP to span metrics to Prometheus. */
export async function startReceiver(
  dir: string,
  who: 'spanweir' | { readonly gogc: string | undefined },
  more: {
    /** Merged into the sections of the same names. */
    readonly service?: object;
    readonly prometheus?: object;
    readonly spanMetrics?: object;
  } = {},
): Promise<Receiver> {
  const [grpcPort, httpPort, metricsPort] = (await freePorts(3)) as [number, number, number];
  const isOurs = who === 'spanweir';
  const config = {
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: `127.0.0.1:${grpcPort}` },
          http: { endpoint: `127.0.0.1:${httpPort}` },
        },
      },
    },
    connectors: { span_metrics: { ...(!isOurs && { metrics_flush_interval: '5s' }), ...more.spanMetrics } },
    exporters: { prometheus: { endpoint: `127.0.0.1:${metricsPort}`, ...more.prometheus } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      ...more.service,
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['span_metrics'] },
        metrics: { receivers: ['span_metrics'], exporters: ['prometheus'] },
      },
    },
  };
  const child = isOurs
    ? await startEngine({ dir, config })
    : await startCollector({
        dir,
        config,
        ...(who.gogc === undefined ? {} : { env: { GOGC: who.gogc } }),
      });
  const metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  return {
    child,
    grpcPort,
    httpPort,
    metricsUrl,
    counted: async () =>
      callsBySeries(await scrape(metricsUrl), 'traces_span_metrics_duration_milliseconds_count'),
  };
}
