import type { Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { JaegerRemoteSampler } from '@opentelemetry/sampler-jaeger-remote';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import type { Flags } from './flags.ts';

/** How often each service asks for its strategy. */
const POLL_MS = 2000;
/** What is sampled until the first strategy has come. */
const INITIAL_PROBABILITY = 1;

export interface Services {
  tracer(service: string): Tracer;
  /** Sends what is left, as far as that goes in a few seconds. */
  shutdown(): Promise<void>;
}

/** One tracer provider with its own exporter and remote sampler per service, as in as many processes. */
export function startServices(names: readonly string[], flags: Flags): Services {
  const providers = new Map(names.map((name) => [name, startService(name, flags)]));
  return {
    tracer: (service) => {
      const provider = providers.get(service);
      if (provider === undefined) throw new Error(`no service ${service}`);
      return provider.getTracer('spanweir-demo-shop', '1.0.0');
    },
    shutdown: async () => {
      await Promise.allSettled([...providers.values()].map((provider) => provider.shutdown()));
    },
  };
}

function startService(name: string, { endpoint, sampling }: Flags): NodeTracerProvider {
  const remote = new JaegerRemoteSampler({
    endpoint: sampling,
    serviceName: name,
    // Sic: the option's name is the SDK's.
    poolingInterval: POLL_MS,
    initialSampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(INITIAL_PROBABILITY) }),
  });
  const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces`, timeoutMillis: 10_000 });
  return new NodeTracerProvider({
    sampler: remote,
    resource: defaultResource().merge(
      resourceFromAttributes({
        'service.name': name,
        'service.namespace': 'shop',
        'service.version': '1.0.0',
        'deployment.environment.name': 'demo',
      }),
    ),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        scheduledDelayMillis: 1000,
        maxExportBatchSize: 512,
        maxQueueSize: 8192,
        exportTimeoutMillis: 10_000,
      }),
    ],
  });
}
