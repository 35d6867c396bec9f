import type { Sampler } from '@opentelemetry/sdk-trace-node';

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
