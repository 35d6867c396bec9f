import { expect, test } from 'vitest';
import { adaptiveSamplingProcessor } from '../../../src/processors/adaptive-sampling/component.ts';
import { adaptiveSamplingConfig } from '../../../src/processors/adaptive-sampling/config.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { recording } from '../../extensions/remote-sampling/recording.ts';
import { batchOfSpans } from '../../sampling/batch-of-spans.ts';
import { double, type TestSpan } from '../../support/spans.ts';

const SAMPLED: TestSpan = {
  name: 'GET /',
  startNs: 1_700_000_007_000_000_000n,
  attributes: { 'sampler.type': 'probabilistic', 'sampler.param': double(0.5) },
};

test('an empty config counts in windows of five seconds', () => {
  expect(adaptiveSamplingConfig.parse({})).toEqual({ window: 5000 });
});

test.each(['500ms', '1500ms', '2h'])('a window of %s is refused', (window) => {
  expect(adaptiveSamplingConfig.safeParse({ window }).success).toBe(false);
});

test('rows are derived in windows of the configured length and roots are counted by what they tell', () => {
  const seen = recording({ id: 'adaptive_sampling' });
  const dictionary = new Dictionary();
  const lane = { ...seen.context, lane: 0, lanes: 1, revision: 1, dictionary, post: () => {} };
  const processor = adaptiveSamplingProcessor.createLane(
    adaptiveSamplingConfig.parse({ window: '10s' }),
    lane,
  );
  const forged = double(1e-9);
  const spans = [
    SAMPLED,
    { ...SAMPLED, attributes: { 'sampler.type': 'probabilistic', 'sampler.param': forged } },
    { ...SAMPLED, attributes: { 'sampler.type': 'lowerbound', 'sampler.param': double(0.5) } },
    { ...SAMPLED, attributes: {} },
    { ...SAMPLED, parentSpanId: 'aa'.repeat(8) },
  ];
  const batch = batchOfSpans(dictionary, [{ service: 'shop', spans }]);
  const row = {
    windowS: 1_700_000_000,
    service: 'shop',
    operation: 'GET /',
    sampled: { roots: 4, tagged: 2 },
  };
  expect(processor.derive(batch)).toMatchObject([row]);
  expect(processor.derive(batch)).toMatchObject([row]);
  const roots = (told: string) =>
    seen.metrics.get(
      `spanweir_adaptive_sampling_roots_total{processor="adaptive_sampling",told="${told}"}`,
    ) ?? 0;
  expect(['probability', 'bound', 'nothing', 'nothing_unknown_sdk'].map(roots)).toEqual([4, 2, 0, 2]);
  const odd = (reason: string) =>
    seen.metrics.get(
      `spanweir_adaptive_sampling_odd_tags_total{processor="adaptive_sampling",reason="${reason}"}`,
    ) ?? 0;
  expect(['inconsistent_threshold', 'unusable_param', 'capped_weight'].map(odd)).toEqual([0, 0, 2]);
});
