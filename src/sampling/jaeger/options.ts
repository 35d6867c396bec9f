/** What the adaptive algorithm is told, in Jaeger's terms. Rates are sampled root spans per second. */
export interface AdaptiveOptions {
  /** Wanted per operation. */
  readonly targetSamplesPerSecond: number;
  /** Relative deviation from the target that is left alone. */
  readonly deltaTolerance: number;
  readonly calculationIntervalMs: number;
  /** How many of the newest buckets are remembered. */
  readonly aggregationBuckets: number;
  /** How many of them an operation's rate is averaged over. */
  readonly calculationBuckets: number;
  /** How old the newest bucket's end is, so that late spans are in it. */
  readonly calculationDelayMs: number;
  /** For an operation (or a service) that nothing is known about. */
  readonly initialSamplingProbability: number;
  readonly minSamplingProbability: number;
  /** Only told to SDKs, as the rate below which they sample everything. */
  readonly minSamplesPerSecond: number;
}

export const DEFAULT_ADAPTIVE_OPTIONS: AdaptiveOptions = {
  targetSamplesPerSecond: 1,
  deltaTolerance: 0.3,
  calculationIntervalMs: 60_000,
  aggregationBuckets: 10,
  calculationBuckets: 1,
  calculationDelayMs: 120_000,
  initialSamplingProbability: 0.001,
  minSamplingProbability: 1e-5,
  minSamplesPerSecond: 1 / 60,
};

/** Why the algorithm can't run with these, in Jaeger's words; undefined when it can. */
export function adaptiveOptionsError(
  options: Pick<AdaptiveOptions, 'calculationIntervalMs' | 'aggregationBuckets' | 'calculationBuckets'>,
): string | undefined {
  if (!(options.calculationIntervalMs > 0 && options.aggregationBuckets > 0)) {
    return 'CalculationInterval and AggregationBuckets must be greater than 0';
  }
  if (!(options.calculationBuckets >= 1)) return 'BucketsForCalculation cannot be less than 1';
  return undefined;
}
