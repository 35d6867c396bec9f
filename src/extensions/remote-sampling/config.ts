import { z } from 'zod';
import { duration } from '../../base/schema.ts';
import { adaptiveOptionsError } from '../../sampling/options.ts';
import { file, grpc, http, probability, source } from './serving-config.ts';

const adaptive = z
  .strictObject({
    sampling_store: z
      .string()
      .min(1, 'SamplingStore: non zero value required')
      .describe('id of the clickhouse exporter that keeps throughput and decisions, or memory'),
    target_samples_per_second: z.number().min(0).default(1).describe('sampled traces wanted per operation'),
    delta_tolerance: z
      .number()
      .min(0)
      .default(0.3)
      .describe('relative deviation from the target that is left alone'),
    calculation_interval: duration('1m').describe('how often probabilities are recomputed'),
    aggregation_buckets: z.int().default(10).describe('intervals that are remembered'),
    calculation_buckets: z.int().default(1).describe('newest intervals that the rate is averaged over'),
    calculation_delay: duration('2m').describe('how long late spans are waited for'),
    initial_sampling_probability: probability('InitialSamplingProbability')
      .default(0.001)
      .describe('for operations that nothing is known about'),
    min_sampling_probability: probability('MinSamplingProbability')
      .default(1e-5)
      .describe('never less than this'),
    min_samples_per_second: z
      .number()
      .min(0)
      .default(1 / 60)
      .describe('rate below which SDKs that know a lower bound sample every trace of an operation'),
    leader_lease_refresh_interval: duration('5s')
      .describe('how often the leader renews its lease')
      .meta({ instead: 'there is no lease: every process that is configured for it recomputes' }),
    follower_lease_refresh_interval: duration('60s')
      .describe('how often a follower asks for the lease')
      .meta({ instead: 'there is no lease: every process that is configured for it recomputes' }),
    window: duration('5s')
      .refine(
        (ms) => ms >= 1000 && ms <= 3_600_000 && ms % 1000 === 0,
        'expected whole seconds, from 1s to 1h',
      )
      .describe('the window of the adaptive_sampling processors that count, as set there'),
  })
  .superRefine((options, context) => {
    const message = adaptiveOptionsError({
      calculationIntervalMs: options.calculation_interval,
      aggregationBuckets: options.aggregation_buckets,
      calculationBuckets: options.calculation_buckets,
    });
    if (message !== undefined) context.addIssue({ code: 'custom', message });
    if (options.calculation_interval > 0 && options.calculation_interval < options.window) {
      const path = ['calculation_interval'];
      context.addIssue({ code: 'custom', path, message: 'expected at least the length of a window' });
    }
  })
  .describe('probabilities that follow the traffic');

/** A part that is there with all its defaults when its key is, with or without anything under it. */
const ifPresent = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === null ? {} : value), schema).optional();

export const remoteSamplingConfig = z
  .strictObject(
    {
      adaptive: adaptive.optional(),
      file: file.optional(),
      combine: z
        .literal('file_pins', { error: "expected 'file_pins'" })
        .optional()
        .describe(
          'both adaptive and file: services, operations and defaults that the file names stand, the rest is adaptive',
        ),
      source: source.optional(),
      http: ifPresent(http),
      grpc: ifPresent(grpc),
      reply: z
        .enum(['compatible', 'jaeger', 'jaeger_v1'])
        .default('compatible')
        .describe(
          'compatible: the one shape that Go, Java, JS and Rust samplers all take (rate limits become probabilities); jaeger: as Jaeger 2.16 and later answers; jaeger_v1: the same, with a number for the type at /',
        ),
      max_operations: z
        .int()
        .min(1)
        .max(10_000)
        .default(250)
        .describe(
          'operations in one reply, of the compatible form; what is beyond gets the default, the lowest rates stay',
        ),
    },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys' ? `invalid keys: ${issue.keys.join(', ')}` : undefined,
    },
  )
  .superRefine((config, context) => {
    const message = providerError(config);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .describe('tells SDKs what to sample');

interface ProviderKeys {
  readonly adaptive?: unknown;
  readonly file?: unknown;
  readonly source?: unknown;
  readonly combine?: unknown;
}

function providerError({
  adaptive: isAdaptive,
  file: isFile,
  source: isSource,
  combine,
}: ProviderKeys): string | undefined {
  const named = [isAdaptive, isFile, isSource].filter((each) => each !== undefined).length;
  if (combine !== undefined) {
    if (isAdaptive !== undefined && isFile !== undefined && isSource === undefined) return undefined;
    return "combine joins 'adaptive' and 'file': expected both, and no 'source'";
  }
  if (named === 0) return "no sampling strategy provider specified, expecting 'adaptive' or 'file'";
  if (named === 1) return undefined;
  const among = isSource === undefined ? "'adaptive' or 'file'" : "'adaptive', 'file' or 'source'";
  return `only one sampling strategy provider can be specified, ${among}`;
}

export type RemoteSamplingConfig = z.infer<typeof remoteSamplingConfig>;
export type AdaptiveConfig = z.infer<typeof adaptive>;
export type ReplyForm = RemoteSamplingConfig['reply'];
