import {
  type Attributes,
  type Context,
  createTraceState,
  isSpanContextValid,
  type Link,
  type SpanKind,
  trace,
} from '@opentelemetry/api';
import { type Sampler, SamplingDecision, type SamplingResult } from '@opentelemetry/sdk-trace-node';

/**
 * Tells with which probability a trace was sampled, which the SDK for JavaScript does not: on the root span in
 * the attributes that Jaeger's own clients set (an adaptive sampler that reads tags can't tell otherwise
 * whether its last value has arrived), and for the whole trace as a threshold in the trace state, from
 * which the engine counts each span for as many as it stands for. The decision is the wrapped sampler's alone.
 */
export class TaggingSampler implements Sampler {
  readonly #inner: Sampler;

  constructor(inner: Sampler) {
    this.#inner = inner;
  }

  shouldSample(
    context: Context,
    traceId: string,
    spanName: string,
    spanKind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    // Read before the decision: it is synchronous, so both see the same strategy.
    const probability = probabilityInForce(this.#inner, spanName);
    const result = this.#inner.shouldSample(context, traceId, spanName, spanKind, attributes, links);
    const parent = trace.getSpanContext(context);
    const isRoot = parent === undefined || !isSpanContextValid(parent);
    if (!isRoot || probability === undefined || result.decision !== SamplingDecision.RECORD_AND_SAMPLED) {
      return result;
    }
    return {
      ...result,
      attributes: { ...result.attributes, 'sampler.type': 'probabilistic', 'sampler.param': probability },
      traceState: createTraceState(`ot=th:${thresholdOf(probability)}`),
    };
  }

  toString(): string {
    return `TaggingSampler{${this.#inner.toString()}}`;
  }
}

/** OpenTelemetry's rejection threshold: 1 - probability as a 56-bit fraction, in hex without trailing zeros. */
export function thresholdOf(probability: number): string {
  const threshold = BigInt(Math.round((1 - probability) * 2 ** 56));
  return threshold.toString(16).padStart(14, '0').replace(/0+$/, '') || '0';
}

/**
 * What JaegerRemoteSampler holds inside: `_sampler` is the strategy that is in force now, a ParentBased whose
 * `_root` is either one ratio or one per operation. It has no public way to ask.
 */
interface Insides {
  readonly _sampler?: Insides;
  readonly _root?: Insides;
  readonly _ratio?: number;
  readonly _defaultSampler?: Insides;
  readonly _perOperationSampler?: ReadonlyMap<string, Insides>;
}

/** The probability with which a root span of that name is sampled now; undefined when it can't be read. */
export function probabilityInForce(sampler: Sampler, spanName: string): number | undefined {
  let inside: Insides | undefined = sampler as unknown as Insides;
  while (inside !== undefined && inside._ratio === undefined) {
    inside =
      inside._sampler ?? inside._root ?? inside._perOperationSampler?.get(spanName) ?? inside._defaultSampler;
  }
  return inside?._ratio;
}
