import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { JaegerRemoteSampler } from '@opentelemetry/sampler-jaeger-remote';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  RandomIdGenerator,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-node';
import { probabilityInForce } from './probability-in-force.ts';

const TICK_MS = 20;

export interface SampledServiceOptions {
  /** Base URLs of OTLP over HTTP and of remote sampling over HTTP. */
  readonly endpoint: string;
  readonly sampling: string;
  readonly service: string;
  readonly operation: string;
  readonly pollMs: number;
  /** Until the first strategy has come. */
  readonly initialProbability: number;
}

/** How often the sampler said yes, of so many root spans with random trace ids. */
export interface Share {
  readonly probability: number;
  readonly decisions: number;
  readonly sampled: number;
}

/** One service with the real SDK, its OTLP exporter and its remote sampler, as anybody sets them up, and steady traffic. */
export class SampledService {
  readonly #operation: string;
  readonly #remote: JaegerRemoteSampler;
  readonly #provider: NodeTracerProvider;
  readonly #timer: NodeJS.Timeout;
  #perSecond = 0;
  #next: { readonly perSecond: number; readonly fromMs: number } | undefined;
  /** Until when (Unix ms) spans were made. */
  #doneMs = Date.now();
  #owed = 0;

  constructor(options: SampledServiceOptions) {
    const { endpoint, sampling, service, operation, pollMs, initialProbability } = options;
    this.#operation = operation;
    this.#remote = new JaegerRemoteSampler({
      endpoint: sampling,
      serviceName: service,
      poolingInterval: pollMs,
      initialSampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(initialProbability) }),
    });
    const exporter = new OTLPTraceExporter({ url: `${endpoint}/v1/traces` });
    this.#provider = new NodeTracerProvider({
      sampler: this.#remote,
      resource: defaultResource().merge(resourceFromAttributes({ 'service.name': service })),
      spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 500, maxQueueSize: 16_384 })],
    });
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Root spans a second from a time on (Unix ms), which may be a moment ago: a busy machine must not blur the step. */
  setRate(perSecond: number, fromMs: number): void {
    this.#next = { perSecond, fromMs };
  }

  /** The probability that decides now; undefined before the SDK has one. */
  get probability(): number | undefined {
    return probabilityInForce(this.#remote, this.#operation);
  }

  /** Decides for random trace ids in one go, so that no poll can change the probability meanwhile. */
  decide(decisions: number): Share {
    const ids = new RandomIdGenerator();
    let sampled = 0;
    for (let i = 0; i < decisions; i++) {
      const traceId = ids.generateTraceId();
      const { decision } = this.#remote.shouldSample(
        ROOT_CONTEXT,
        traceId,
        this.#operation,
        SpanKind.SERVER,
        {},
        [],
      );
      if (decision === SamplingDecision.RECORD_AND_SAMPLED) sampled++;
    }
    return { probability: this.probability ?? Number.NaN, decisions, sampled };
  }

  /** The poll timer of the SDK's sampler has no end: it goes with the process. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#provider.shutdown().catch(() => {});
  }

  #tick(): void {
    const nowMs = Date.now();
    if (this.#next !== undefined && this.#next.fromMs <= nowMs) {
      this.#play(this.#next.fromMs);
      this.#perSecond = this.#next.perSecond;
      this.#next = undefined;
    }
    this.#play(nowMs);
  }

  /** Makes what is due until then, each span at its time. */
  #play(untilMs: number): void {
    const fromMs = this.#doneMs;
    if (untilMs <= fromMs) return;
    this.#doneMs = untilMs;
    this.#owed += ((untilMs - fromMs) / 1000) * this.#perSecond;
    const due = Math.floor(this.#owed);
    this.#owed -= due;
    const tracer = this.#provider.getTracer('bench');
    for (let i = 0; i < due; i++) {
      const startTime = fromMs + ((untilMs - fromMs) * i) / due;
      tracer.startSpan(this.#operation, { kind: SpanKind.SERVER, startTime }, ROOT_CONTEXT).end(startTime);
    }
  }
}

/** How many standard deviations the share lies from its probability. */
export function sigmasOff({ probability, decisions, sampled }: Share): number {
  const sigma = Math.sqrt((probability * (1 - probability)) / decisions);
  const off = Math.abs(sampled / decisions - probability);
  return sigma === 0 ? (off === 0 ? 0 : Number.POSITIVE_INFINITY) : off / sigma;
}
