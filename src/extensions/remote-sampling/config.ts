import { z } from 'zod';
import { duration, endpoint, serverTls } from '../../base/schema.ts';
import { goNumber } from '../../sampling/go-number.ts';
import { adaptiveOptionsError } from '../../sampling/options.ts';

const probability = (name: string) => {
  const error = ({ input }: { readonly input?: unknown }): string =>
    typeof input === 'number'
      ? `${name}: ${goNumber(input)} does not validate as range(0|1)`
      : `${name}: expected a number from 0 to 1`;
  return z.number({ error }).min(0, { error }).max(1, { error });
};

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

const file = z
  .strictObject({
    path: z
      .string()
      .default('')
      .describe("a file, or a URL, with strategies in Jaeger's JSON; empty for none"),
    reload_interval: duration('0s')
      .refine(
        (ms) => ms >= 0,
        'reload interval must be a positive value, or zero to disable automatic reloading',
      )
      .describe('how often it is read again; 0 for never'),
    default_sampling_probability: probability('DefaultSamplingProbability')
      .default(0.001)
      .describe('where the file says nothing, and in place of rate limits'),
  })
  .describe('strategies that people write');

const extraEndpoints = (description: string) =>
  z.array(endpoint()).default([]).describe(`more addresses with the same, ${description}`);

const http = z
  .strictObject({
    endpoint: endpoint('localhost:5778').describe('host:port to listen on; every path answers'),
    extra_endpoints: extraEndpoints(
      'such as localhost:14268, where only /, /sampling, /api/sampling and /api/sampling/sampling answer',
    ),
    tls: serverTls.optional(),
  })
  .describe('strategies over HTTP');

const grpc = z
  .strictObject({
    endpoint: endpoint('localhost:5779').describe('host:port to listen on'),
    extra_endpoints: extraEndpoints('such as localhost:14250, where Java SDKs look'),
    tls: serverTls.optional(),
  })
  .describe('strategies over gRPC (jaeger.api_v2.SamplingManager)');

/** A part that is there with all its defaults when its key is, with or without anything under it. */
const ifPresent = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === null ? {} : value), schema).optional();

export const remoteSamplingConfig = z
  .strictObject(
    {
      adaptive: adaptive.optional(),
      file: file.optional(),
      http: ifPresent(http),
      grpc: ifPresent(grpc),
      reply: z
        .enum(['compatible', 'jaeger', 'jaeger_v1'])
        .default('compatible')
        .describe(
          'compatible: the one shape that Go, Java, JS and Rust samplers all take (rate limits become probabilities); jaeger: as Jaeger 2.16 and later answers; jaeger_v1: the same, with a number for the type at /',
        ),
    },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys' ? `invalid keys: ${issue.keys.join(', ')}` : undefined,
    },
  )
  .superRefine((config, context) => {
    if (config.adaptive !== undefined && config.file !== undefined) {
      const message = "only one sampling strategy provider can be specified, 'adaptive' or 'file'";
      context.addIssue({ code: 'custom', message });
    } else if (config.adaptive === undefined && config.file === undefined) {
      const message = "no sampling strategy provider specified, expecting 'adaptive' or 'file'";
      context.addIssue({ code: 'custom', message });
    }
  })
  .describe('tells SDKs what to sample');

export type RemoteSamplingConfig = z.infer<typeof remoteSamplingConfig>;
export type AdaptiveConfig = z.infer<typeof adaptive>;
export type FileConfig = z.infer<typeof file>;
export type ReplyForm = RemoteSamplingConfig['reply'];
