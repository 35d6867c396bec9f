/** What an SDK is told about one service: Jaeger's SamplingStrategyResponse. Never changed once made. */
export interface Strategy {
  readonly strategyType: StrategyType;
  readonly probabilisticSampling?: ProbabilisticSampling;
  readonly rateLimitingSampling?: RateLimitingSampling;
  readonly operationSampling?: OperationSampling;
}

export type StrategyType = 'PROBABILISTIC' | 'RATE_LIMITING';

export interface ProbabilisticSampling {
  readonly samplingRate: number;
}

export interface RateLimitingSampling {
  /** A whole number. */
  readonly maxTracesPerSecond: number;
}

export interface OperationSampling {
  readonly defaultSamplingProbability: number;
  /** Traces per second that an SDK samples of each operation whatever the probability. */
  readonly defaultLowerBoundTracesPerSecond: number;
  readonly perOperationStrategies: readonly OperationStrategy[];
  readonly defaultUpperBoundTracesPerSecond: number;
}

export interface OperationStrategy {
  readonly operation: string;
  readonly probabilisticSampling: ProbabilisticSampling;
}
