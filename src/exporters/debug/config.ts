import { z } from 'zod';

export const debugConfig = z.strictObject({
  verbosity: z
    .enum(['basic', 'normal', 'detailed'])
    .default('basic')
    .describe('basic: counts of a block; normal: one line a span or series; detailed: everything of them'),
  sampling_initial: z.int().min(0).default(2).describe('blocks that are shown in full every second'),
  sampling_thereafter: z
    .int()
    .min(0)
    .default(1)
    .describe('after them, every so many-th block of that second is shown; 0 = none'),
  use_internal_logger: z.boolean().default(true).describe('write to the log').meta({
    instead: 'it writes to the log in any case',
  }),
  output_paths: z.array(z.string()).optional().describe('files to write to').meta({
    instead: 'it writes to the log in any case',
  }),
});

export type DebugConfig = z.output<typeof debugConfig>;
