import { expect, test } from 'vitest';
import { RedAggregator } from '../../../src/red/red-aggregator.ts';
import { adjustedCount } from '../../../src/span/adjusted-count.ts';
import { AttributeCursor } from '../../../src/span/attributes.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { OtlpScanner } from '../../../src/span/otlp-scanner.ts';
import { SAMPLER, SamplerTags } from '../../../src/span/sampler-tags.ts';
import { SpanBatch } from '../../../src/span/span-batch.ts';
import { type AttributeValue, double, encodeProto, type TestSpan } from '../../support/spans.ts';
import { eachCase, type Json, type Runner } from '../adaptive-sampling/section.ts';

function countOf(traceState: string): number {
  const bytes = Buffer.from(traceState);
  return adjustedCount(bytes, 0, bytes.length);
}

function scanned(span: TestSpan) {
  const dictionary = new Dictionary();
  const batch = new SpanBatch();
  new OtlpScanner(dictionary).append(batch, encodeProto([{ service: 'a', spans: [span] }]), {
    offset: 0,
    timestampMs: 0,
  });
  return { dictionary, batch };
}

/** Raw and weighted calls that one span with this trace state makes, and what is noted about it. */
function counted(traceState: string): { spans: number; calls: number; quality: number } {
  const { dictionary, batch } = scanned({ traceState });
  const rows = new RedAggregator(dictionary).aggregate(batch);
  return {
    spans: rows.spans[0] as number,
    calls: rows.calls[0] as number,
    quality: batch.quality[0] as number,
  };
}

const adjustedCounts: Runner = (section) => {
  test.each(section.flag_cases as Json[])(
    'trace state "$tracestate"',
    ({ tracestate, adjusted, count, mean }) => {
      const found = countOf(tracestate);
      expect(found > 0).toBe(adjusted);
      const want = count ?? mean;
      if (want !== undefined) expect(found > 0 ? found : 1).toBe(want);
    },
  );

  test.each(section.exact_weights as Json[])('th:$th', ({ th, weight, probability }) => {
    expect(countOf(`ot=th:${th}`)).toBeCloseTo(weight, 9);
    expect(countOf(`ot=th:${th}`) / weight).toBeCloseTo(1, 14);
    expect(1 / countOf(`ot=th:${th}`) / probability).toBeCloseTo(1, 12);
  });

  test('a threshold out of this world is capped and noted, and the span still counts as one', () => {
    const { spans, calls, quality } = counted(section.abuse_case.tracestate);
    expect([spans, calls]).toEqual([1, 1e6]);
    expect(quality).not.toBe(0);
  });

  test('a threshold that contradicts the randomness is not believed', () => {
    const { spans, calls, quality } = counted(section.consistency_case.tracestate);
    expect([spans, calls]).toEqual([1, 1]);
    expect(quality).not.toBe(0);
  });
};

const TYPES: Readonly<Record<string, number>> = {
  probabilistic: SAMPLER.probabilistic,
  lowerbound: SAMPLER.lowerbound,
  ratelimiting: SAMPLER.ratelimiting,
  unrecognized: SAMPLER.unrecognized,
};

const samplerParams: Runner = eachCase(({ tags, type, param }) => {
  const attributes = Object.fromEntries(
    Object.entries(tags).map(([key, value]): [string, AttributeValue] => [
      key,
      typeof value === 'number' && !Number.isInteger(value) ? double(value) : (value as AttributeValue),
    ]),
  );
  const { batch } = scanned({ attributes });
  const reader = new SamplerTags(new AttributeCursor());
  expect(reader.read(batch, 0)).toBe(TYPES[type]);
  if (type !== 'unrecognized') expect(reader.param).toBe(param);
});

export const weightSections: Readonly<Record<string, Runner>> = {
  adjusted_count: adjustedCounts,
  jaeger_sampler_params: samplerParams,
};
