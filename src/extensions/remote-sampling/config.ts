import { z } from 'zod';
import { adaptiveConfig } from './adaptive/adaptive-config.ts';
import { file, grpc, http, source } from './serving/serving-config.ts';

/** A part that is there with all its defaults when its key is, with or without anything under it. */
const ifPresent = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === null ? {} : value), schema).optional();

export const remoteSamplingConfig = z
  .strictObject(
    {
      adaptive: adaptiveConfig.optional(),
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
export type ReplyForm = RemoteSamplingConfig['reply'];
