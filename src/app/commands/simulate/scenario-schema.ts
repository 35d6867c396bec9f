import { z } from 'zod';
import { parseDurationMs } from '../../../base/duration.ts';
import { FLEET_TAGS, SDKS } from '../../../sampling/simulator/scenario.ts';

const SECONDS = 'expected seconds (90) or a duration (1m30s)';

/** Seconds, as a number or as a Go duration. */
const seconds = z.union([z.number(), z.string()], { error: SECONDS }).transform((value, context) => {
  if (typeof value === 'number') return value;
  const ms = parseDurationMs(value);
  if (ms !== undefined) return ms / 1000;
  context.addIssue({ code: 'custom', message: SECONDS });
  return z.NEVER;
});

const from0 = seconds.refine((s) => s >= 0, 'expected no time before the start');
const moreThan0 = seconds.refine((s) => s > 0, 'expected more than 0 seconds');
const perSecond = z.number().min(0);
const share = z.number().min(0).max(1);

const steps = z
  .array(z.tuple([from0, perSecond], { error: 'expected [atSeconds, perSecond]' }))
  .min(1)
  .refine(
    (all) => all.every(([at], i) => i === 0 || at > (all[i - 1]?.[0] ?? 0)),
    'expected steps in the order of time',
  );

const wave = z.strictObject({
  /** Lowest and highest rate of the wave, which begins at its lowest. */
  low: perSecond,
  high: perSecond,
  period: moreThan0,
});

const rate = z.union([perSecond, steps, wave], {
  error: 'expected requests per second, [[atSeconds, perSecond], ...] or {low, high, period}',
});

const oneOperation = z.strictObject({
  service: z.string().min(1),
  operation: z.string().min(1),
  rate,
  error_share: share.default(0),
});

/** Many operations at once, with the rates of a Zipf distribution. */
const manyOperations = z.strictObject({
  services: z.int().min(1),
  operations: z.int().min(1),
  total_rate: perSecond,
  zipf: z.number().min(0).default(1),
  error_share: share.default(0),
});

const at = { at: from0 };
const whom = { service: z.string().optional(), instances: z.int().min(0).optional() };

const event = z.discriminatedUnion(
  'do',
  [
    z.strictObject({ ...at, do: z.literal('failover'), for: from0.default(10) }),
    z.strictObject({ ...at, do: z.literal('lag'), for: moreThan0 }),
    z.strictObject({ ...at, do: z.literal('deploy'), for: moreThan0.default(120), service: whom.service }),
    z.strictObject({ ...at, do: z.literal('skew'), seconds: z.number(), ...whom }),
    z.strictObject({ ...at, do: z.literal('nonconforming'), ...whom }),
    z.strictObject({
      ...at,
      do: z.literal('silence'),
      for: moreThan0,
      service: whom.service,
      operation: z.string().optional(),
    }),
    z.strictObject({ ...at, do: z.literal('churn'), share, every: moreThan0, until: moreThan0.optional() }),
  ],
  { error: 'expected do: one of failover, lag, deploy, skew, nonconforming, silence, churn' },
);

/** A scenario as people write it; `controller` is the remote_sampling.adaptive block and looked at elsewhere. */
export const scenarioSchema = z.strictObject({
  name: z.string().default(''),
  seed: z.int().default(1),
  duration: moreThan0.refine((s) => s <= 31 * 86_400, 'expected a month at most'),
  fleet: z
    .strictObject({
      instances: z.int().min(1).max(10_000).default(20),
      poll_interval: moreThan0.optional(),
      sdk: z.enum(SDKS).default('go'),
      lower_bound: z.boolean().optional(),
      tags: z.enum(FLEET_TAGS).default('none'),
      initial_probability: share.default(0.001),
    })
    .prefault({}),
  operations: z.array(z.union([oneOperation, manyOperations])).min(1),
  events: z.array(event).default([]),
  controller: z.looseObject({}).default({}),
});

export type WrittenScenario = z.infer<typeof scenarioSchema>;
export type WrittenOperation = WrittenScenario['operations'][number];
export type WrittenEvent = WrittenScenario['events'][number];
export type WrittenRate = z.infer<typeof rate>;
