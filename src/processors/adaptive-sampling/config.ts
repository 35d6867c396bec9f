import { z } from 'zod';
import { duration } from '../../base/schema.ts';

export const adaptiveSamplingConfig = z
  .strictObject({
    window: duration('5s')
      .refine(
        (ms) => ms >= 1000 && ms <= 3_600_000 && ms % 1000 === 0,
        'expected whole seconds, from 1s to 1h',
      )
      .describe(
        'length of the windows that sampled root spans are counted in, whole seconds; must be the window of the remote_sampling extension that reads them',
      ),
  })
  .prefault({})
  .describe('counts sampled root spans per service and operation; the spans stay as they are');

export type AdaptiveSamplingConfig = z.infer<typeof adaptiveSamplingConfig>;
