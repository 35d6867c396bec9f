import { z } from 'zod';
import { duration } from '../../../base/schema.ts';
import { DEFAULT_ADAPTIVE_CONTROL_OPTIONS as DEFAULTS } from '../../../sampling/adaptive/options.ts';
import { adaptiveOptionsError } from '../../../sampling/jaeger/options.ts';
import { controlTopicConfig, controlTopicError } from '../ha/config.ts';
import { probability } from '../serving/serving-config.ts';

const rate = (description: string) => z.number().min(0).optional().describe(description);

const limits = {
  traces_per_second: rate('sampled traces a second'),
  spans_per_second: rate('spans of sampled traces a second, by the mean of the last ten minutes'),
  bytes_per_second: rate('bytes of sampled traces a second, by the mean of the last ten minutes'),
};

const glob = (what: string) =>
  z.string().default('*').describe(`${what}: \`*\` stands for any characters, \`?\` for one`);

const weight = z.number().positive();

const serviceBudget = z
  .strictObject({
    service: glob('services that have it, each its own'),
    weight: weight.default(1).describe('share of the whole, against those of other services'),
    ...limits,
  })
  .describe('budget of a service');

const override = z
  .strictObject({
    service: glob('services'),
    operation: glob("operations; `*` includes the service's default"),
    target_samples_per_second: rate('sampled traces a second that are wanted'),
    min_probability: probability('MinProbability').optional().describe('never less'),
    max_probability: probability('MaxProbability').optional().describe('never more'),
    probability: probability('Probability').optional().describe('exactly this'),
    never: z.boolean().default(false).describe('nothing is sampled'),
    weight: weight.optional().describe("share of the service's budget, against other operations [1]"),
    until: z
      .string()
      .refine(isTime, 'expected a date and time such as 2026-12-24T18:00:00Z')
      .optional()
      .describe('date and time from which on it does not hold any more'),
  })
  .superRefine((options, context) => {
    const message = overrideError(options);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .describe('what people decide');

/** With a zone, so that it is the same moment everywhere. */
function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

interface OverrideOptions {
  readonly target_samples_per_second?: number | undefined;
  readonly min_probability?: number | undefined;
  readonly max_probability?: number | undefined;
  readonly probability?: number | undefined;
  readonly never: boolean;
  readonly weight?: number | undefined;
}

function overrideError(options: OverrideOptions): string | undefined {
  const { min_probability: least = 0, max_probability: most = 1, never } = options;
  const rules = [
    options.target_samples_per_second,
    options.min_probability,
    options.max_probability,
    options.probability,
    options.weight,
  ].filter((each) => each !== undefined).length;
  if (!never && rules === 0) {
    return 'an override decides nothing: expected never, probability, min_probability, max_probability, target_samples_per_second or weight';
  }
  if (never && rules > 0) return 'never leaves no room for anything else';
  if (options.probability !== undefined && rules > 1) return 'probability leaves no room for anything else';
  if (least > most) return `min_probability ${least} is above max_probability ${most}`;
  return undefined;
}

const boostDefaults = DEFAULTS.boost;

const boost = z
  .strictObject({
    enabled: z.boolean().default(true).describe('whether there are boosts'),
    factor: z
      .number()
      .min(1)
      .default(boostDefaults?.factor ?? 3)
      .describe('at most so many times what an operation would get'),
    duration: duration('5m').describe('how long a boost lasts'),
    cool_down: duration('15m').describe('how long the operation has none afterwards'),
    budget_share: z
      .number()
      .min(0)
      .max(1)
      .default(boostDefaults?.budgetShare ?? 0.1)
      .describe('all boosts together add at most this share of the budget'),
  })
  .prefault({})
  .describe('more samples for an operation whose errors or p95 leave what they were');

const jaegersOwn = (text: string): string => `${text}; algorithm jaeger only`;

export const adaptiveConfig = z
  .strictObject({
    sampling_store: z
      .string()
      .min(1, 'SamplingStore: non zero value required')
      .describe('id of the clickhouse exporter that keeps throughput and decisions, or memory'),
    algorithm: z
      .enum(['adaptive', 'jaeger'])
      .default('adaptive')
      .describe('adaptive needs no tags on spans and works with all SDKs; jaeger decides as Jaeger does'),
    mode: z
      .enum(['control', 'observe'])
      .default('control')
      .describe('observe: decide and store, and go on serving what was served; algorithm adaptive only'),
    target_samples_per_second: z
      .number()
      .min(0)
      .default(1)
      .describe('sampled traces wanted per operation, where no budget covers it'),
    delta_tolerance: z
      .number()
      .min(0)
      .default(0.3)
      .describe(jaegersOwn('relative deviation from the target that is left alone')),
    calculation_interval: duration()
      .optional()
      .describe('how often probabilities are recomputed [5s, with algorithm jaeger 1m]'),
    aggregation_buckets: z.int().default(10).describe(jaegersOwn('intervals that are remembered')),
    calculation_buckets: z
      .int()
      .default(1)
      .describe(jaegersOwn('newest intervals that the rate is averaged over')),
    calculation_delay: duration()
      .optional()
      .describe('how long late spans are waited for [15s, with algorithm jaeger 2m]'),
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
    budget: z
      .strictObject(limits)
      .optional()
      .describe('of all services together; what some do not use is for the others [no limit]'),
    service_budgets: z
      .array(serviceBudget)
      .default([])
      .describe('of single services; the first that fits holds'),
    floor_traces_per_second: z
      .number()
      .min(0)
      .default(DEFAULTS.floorTracesPerSecond)
      .describe('what every operation gets under a budget, or all that it has'),
    overrides: z.array(override).default([]).describe('of single operations; the first that fits holds'),
    boost,
    max_operations: z
      .int()
      .min(1)
      .default(DEFAULTS.maxOperations)
      .describe('operations that are remembered; what is beyond shares the default of its service'),
    leader_lease_refresh_interval: duration('5s')
      .describe('how often the leader renews its lease')
      .meta({ instead: 'there is no lease: control_topic makes one of several processes decide' }),
    follower_lease_refresh_interval: duration('60s')
      .describe('how often a follower asks for the lease')
      .meta({ instead: 'there is no lease: control_topic makes one of several processes decide' }),
    control_topic: controlTopicConfig.optional(),
    window: duration('5s')
      .refine(
        (ms) => ms >= 1000 && ms <= 3_600_000 && ms % 1000 === 0,
        'expected whole seconds, from 1s to 1h',
      )
      .describe('the window of the adaptive_sampling processors that count, as set there'),
  })
  .superRefine((options, context) => {
    const { intervalMs } = roundTimes(options);
    const message = adaptiveOptionsError({
      calculationIntervalMs: intervalMs,
      aggregationBuckets: options.aggregation_buckets,
      calculationBuckets: options.calculation_buckets,
    });
    if (message !== undefined) context.addIssue({ code: 'custom', message });
    const isChosen = options.calculation_interval !== undefined;
    if (isChosen && intervalMs > 0 && intervalMs < options.window) {
      const path = ['calculation_interval'];
      context.addIssue({ code: 'custom', path, message: 'expected at least the length of a window' });
    }
    if (options.algorithm === 'jaeger' && options.mode === 'observe') {
      const text = 'observe needs algorithm adaptive';
      context.addIssue({ code: 'custom', path: ['mode'], message: text });
    }
    const topicMessage = controlTopicError(options);
    if (topicMessage !== undefined) {
      context.addIssue({ code: 'custom', path: ['control_topic'], message: topicMessage });
    }
  })
  .describe('probabilities that follow the traffic');

export type AdaptiveConfig = z.infer<typeof adaptiveConfig>;

const TIMES = {
  adaptive: { intervalMs: 5000, delayMs: 15_000 },
  jaeger: { intervalMs: 60_000, delayMs: 120_000 },
} as const;

/** How often there is a round, and how old its newest window is. A window that is longer than the interval waits for its end. */
export function roundTimes(
  config: Pick<AdaptiveConfig, 'algorithm' | 'window' | 'calculation_interval' | 'calculation_delay'>,
): { readonly intervalMs: number; readonly delayMs: number } {
  const { intervalMs, delayMs } = TIMES[config.algorithm];
  return {
    intervalMs: config.calculation_interval ?? Math.max(intervalMs, config.window),
    delayMs: config.calculation_delay ?? delayMs,
  };
}
