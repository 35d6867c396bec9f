import type { ProcessorType } from '../../flow/component-type.ts';
import type { LaneContext, ThroughputProcessor } from '../../flow/lane.ts';
import { ThroughputCounter } from '../../sampling/throughput-counter.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import { type AdaptiveSamplingConfig, adaptiveSamplingConfig } from './config.ts';

const METRIC = 'spanweir_adaptive_sampling_roots_total';

export const adaptiveSamplingProcessor: ProcessorType<AdaptiveSamplingConfig> = {
  kind: 'processor',
  type: 'adaptive_sampling',
  description: 'Counts sampled root spans per service and operation for the remote_sampling extension.',
  config: adaptiveSamplingConfig,
  createLane: createThroughputProcessor,
};

function createThroughputProcessor(
  config: AdaptiveSamplingConfig,
  context: Pick<LaneContext, 'dictionary' | 'instruments' | 'id'>,
): ThroughputProcessor {
  const counter = new ThroughputCounter(context.dictionary, config.window / 1000);
  const instrument = (sampler: string) =>
    context.instruments.counter(METRIC, { processor: context.id, sampler });
  const counted = instrument('probabilistic');
  const noted = instrument('other');
  const unrecognized = instrument('unrecognized');
  return {
    derive: (batch: SpanBatch) => {
      const before = { ...counter.tally };
      const rows = counter.derive(batch);
      counted.add(counter.tally.counted - before.counted);
      noted.add(counter.tally.noted - before.noted);
      unrecognized.add(counter.tally.unrecognized - before.unrecognized);
      return rows;
    },
  };
}
