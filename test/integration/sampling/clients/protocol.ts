/**
 * What the clients are asked, one line of JSON each on standard input, answered in order by one line each on
 * standard output. A client holds several samplers, each by a name.
 */
export type Request = Configure | Sample | Describe;

/** Starts a sampler, which polls from then on. Answered with {}. */
export interface Configure {
  readonly op: 'configure';
  readonly sampler: string;
  /** In the form that this SDK wants. */
  readonly endpoint: string;
  readonly service: string;
  /** Missing: whatever the SDK does then. */
  readonly pollMs?: number;
  /** What it does until it has been told something. */
  readonly initial: 'on' | 'off';
  /** A certificate (PEM) to trust, where the SDK has an option for it. */
  readonly caFile?: string;
}

/** So many new traces, with ids of the SDK's own generator. */
export interface Sample {
  readonly op: 'sample';
  readonly sampler: string;
  readonly operation: string;
  readonly decisions: number;
}

/** In the sampler's own words, as far as it has any. */
export interface Describe {
  readonly op: 'describe';
  readonly sampler: string;
}

export interface Reply {
  /** Of a Sample: how many of the traces were sampled. */
  readonly sampled?: number;
  /** Of a Describe. */
  readonly description?: string;
  readonly error?: string;
}
