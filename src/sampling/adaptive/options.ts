/** What the default algorithm of adaptive sampling is told. Rates are per second, of traces (= sampled roots). */
export interface AdaptiveControlOptions {
  /** `observe`: everything is computed and told, and what is served stays as it was. */
  readonly mode: 'control' | 'observe';
  /** Wanted per operation, where no budget covers it. */
  readonly targetSamplesPerSecond: number;
  /** Where nothing at all is known: no service has been seen yet. */
  readonly initialSamplingProbability: number;
  readonly minSamplingProbability: number;
  /** Below this rate SDKs that know a lower bound sample all of an operation; divided by the instances that poll. */
  readonly minSamplesPerSecond: number;
  /** Length of the windows that roots are counted in. */
  readonly windowMs: number;
  /** For all services together; undefined: no limit, every operation gets `targetSamplesPerSecond`. */
  readonly budget: Budget | undefined;
  /** Of single services, first match wins; each matching service has its own. */
  readonly serviceBudgets: readonly ServiceBudget[];
  /** Under a budget each operation gets at least this, or all that it has. Shrinks when the floors exceed the budget. */
  readonly floorTracesPerSecond: number;
  /** First match wins. */
  readonly overrides: readonly Override[];
  /** Undefined: never. */
  readonly boost: BoostOptions | undefined;
  /** Operations in one reply; the others of the service share its default. */
  readonly maxOperationsPerReply: number;
  /** An operation without roots for so long has left: it is listed at its service's default. */
  readonly leftAfterMs: number;
  /** And is forgotten after so long more. */
  readonly forgottenAfterMs: number;
  /** Operations that are remembered in all; further ones share their service's default. */
  readonly maxOperations: number;
  /** Taken for the slowest poll interval while it is not known: the default of Rust's SDK. */
  readonly unknownPollIntervalMs: number;
  /** How far clocks may differ, and how long a polled value may take to be in force. */
  readonly clockSlackMs: number;
  /** Relative deviation of a probability that is left alone. */
  readonly deadBand: number;
}

/** Limits that hold together. All undefined: no limit. */
export interface Budget {
  readonly tracesPerSecond?: number | undefined;
  readonly spansPerSecond?: number | undefined;
  readonly bytesPerSecond?: number | undefined;
}

export interface ServiceBudget extends Budget {
  /** Glob: `*` any characters, `?` one. */
  readonly service: string;
  /** Share of the whole against other services'; 1 when undefined. */
  readonly weight?: number | undefined;
}

/** What people decide for some operations. `never`, then `fixed`, wins over all else. */
export interface Override {
  /** Globs: `*` any characters, `?` one. `*` for the operation includes the service's default. */
  readonly service: string;
  readonly operation: string;
  /** Traces per second, also under a budget (which pays for it first). */
  readonly targetTracesPerSecond?: number | undefined;
  readonly minProbability?: number | undefined;
  readonly maxProbability?: number | undefined;
  readonly fixedProbability?: number | undefined;
  readonly never?: boolean | undefined;
  /** Unix ms from which on it is as if it were not there. */
  readonly untilMs?: number | undefined;
  /** Share of the service's budget against its other operations'; 1 when undefined. */
  readonly weight?: number | undefined;
}

/** More samples for an operation whose error share or p95 deviates from its own baseline. */
export interface BoostOptions {
  /** At most so many times its target. */
  readonly factor: number;
  readonly durationMs: number;
  /** After a boost, before the next one of the same operation. */
  readonly coolDownMs: number;
  /** All boosts together add at most this share of the budget (without one: of all targets). */
  readonly budgetShare: number;
}

export const DEFAULT_ADAPTIVE_CONTROL_OPTIONS: AdaptiveControlOptions = {
  mode: 'control',
  targetSamplesPerSecond: 1,
  initialSamplingProbability: 0.001,
  minSamplingProbability: 1e-5,
  minSamplesPerSecond: 1 / 60,
  windowMs: 5000,
  budget: undefined,
  serviceBudgets: [],
  floorTracesPerSecond: 1 / 60,
  overrides: [],
  boost: { factor: 3, durationMs: 300_000, coolDownMs: 900_000, budgetShare: 0.1 },
  maxOperationsPerReply: 250,
  leftAfterMs: 3_600_000,
  forgottenAfterMs: 86_400_000,
  maxOperations: 200_000,
  unknownPollIntervalMs: 300_000,
  clockSlackMs: 5000,
  deadBand: 0.02,
};
