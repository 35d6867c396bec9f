/** What is simulated; all times in seconds from the start. */
export interface Scenario {
  readonly name: string;
  readonly seed: number;
  readonly durationS: number;
  readonly fleet: Fleet;
  readonly operations: readonly OperationTraffic[];
  /** In the order of time. */
  readonly events: readonly ScenarioEvent[];
}

/** Every service has a fleet like this one. */
export interface Fleet {
  /** Of each service. */
  readonly instances: number;
  readonly pollIntervalS: number;
  readonly sdk: Sdk;
  /** Whether instances keep a few traces of each operation whatever the probability (Go's rule). */
  readonly lowerBound: boolean;
  readonly tags: FleetTags;
  /** What an instance samples with before its first poll. */
  readonly initialProbability: number;
}

export const SDKS = ['go', 'java', 'js', 'rust', 'python', 'dotnet'] as const;
export type Sdk = (typeof SDKS)[number];

/**
 * What sampled root spans say of their probability. `jaeger`: `sampler.type` and `sampler.param`, as the legacy
 * clients; `otel`: `ot=th`, with the decision rule that belongs to it.
 */
export const FLEET_TAGS = ['none', 'jaeger', 'otel'] as const;
export type FleetTags = (typeof FLEET_TAGS)[number];

export interface OperationTraffic {
  readonly service: string;
  readonly operation: string;
  /** Requests per second of the service as a whole, from `atS` until the next step; 0 before the first. Ascending. */
  readonly rate: readonly RateStep[];
  /** Of all requests; 0..1. */
  readonly errorShare: number;
}

export interface RateStep {
  readonly atS: number;
  readonly perSecond: number;
}

/** Which instances an event is about. */
export interface Whom {
  /** Undefined = every service. */
  readonly service?: string | undefined;
  /** How many instances of each service; undefined = all. */
  readonly instances?: number | undefined;
}

export type ScenarioEvent =
  /** Another process takes over the control from what is stored, after `forS` seconds without any. */
  | { readonly do: 'failover'; readonly atS: number; readonly forS: number }
  /** What is sampled reaches the controller only when these seconds are over, then all at once. */
  | { readonly do: 'lag'; readonly atS: number; readonly forS: number }
  /** Within `forS` seconds every instance is replaced by a new one; halfway both are there. */
  | {
      readonly do: 'deploy';
      readonly atS: number;
      readonly forS: number;
      readonly service?: string | undefined;
    }
  /** Clocks are ahead by so much from now on (behind, when negative). */
  | ({ readonly do: 'skew'; readonly atS: number; readonly seconds: number } & Whom)
  /** Instances sample everything from now on, whatever they are told. */
  | ({ readonly do: 'nonconforming'; readonly atS: number } & Whom);
