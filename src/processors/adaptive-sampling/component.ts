import type { Counter } from '../../base/instruments.ts';
import type { ProcessorType } from '../../flow/component-type.ts';
import type { LaneContext, ThroughputProcessor } from '../../flow/lane.ts';
import { ThroughputCounter } from '../../sampling/roots/throughput-counter.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import { type AdaptiveSamplingConfig, adaptiveSamplingConfig } from './config.ts';

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
  const { instruments, id } = context;
  const roots = (told: string) =>
    instruments.counter('spanweir_adaptive_sampling_roots_total', { processor: id, told });
  const odd = (reason: string) =>
    instruments.counter('spanweir_adaptive_sampling_odd_tags_total', { processor: id, reason });
  const rootsTold = {
    tagged: roots('probability'),
    bounded: roots('bound'),
    untold: roots('nothing'),
    unknownSdk: roots('nothing_unknown_sdk'),
  };
  const oddTags = {
    inconsistent: odd('inconsistent_threshold'),
    unusable: odd('unusable_param'),
    capped: odd('capped_weight'),
  };
  return {
    derive: (batch: SpanBatch) => {
      const rows = counter.derive(batch);
      takeInto(rootsTold, counter.tally);
      takeInto(oddTags, counter.odd);
      return rows;
    },
  };
}

/** Adds what was counted to the instruments of the same names, and begins anew. */
function takeInto<K extends string>(
  instruments: Readonly<Record<K, Counter>>,
  tally: Record<K, number>,
): void {
  for (const name of Object.keys(instruments) as K[]) {
    if (tally[name] === 0) continue;
    instruments[name].add(tally[name]);
    tally[name] = 0;
  }
}
