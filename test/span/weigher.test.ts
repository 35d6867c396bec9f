import { describe, expect, test } from 'vitest';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { QualityTally } from '../../src/span/quality-tally.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { Weigher, type WeigherOptions } from '../../src/span/weigher.ts';
import { double, encodeProto, type TestResource, type TestSpan } from '../support/spans.ts';

const OPTIONS: WeigherOptions = { attribute: 'sampling.ratio', samplerTags: true, weightMax: 1e6 };
const AT_MS = 1_700_000_000_000;

function weighed(resources: readonly TestResource[], options: Partial<WeigherOptions> = {}) {
  const dictionary = new Dictionary();
  const batch = new SpanBatch();
  new OtlpScanner(dictionary).append(batch, encodeProto(resources), { offset: 0, timestampMs: AT_MS });
  new Weigher({ ...OPTIONS, ...options }).weigh(batch);
  const repairs: Record<string, number> = {};
  new QualityTally(dictionary.names).of(batch, (repair, spans) => {
    repairs[repair] = spans;
  });
  return { weights: [...batch.weight.subarray(0, batch.spans)], repairs };
}

const weights = (...spans: TestSpan[]) => weighed([{ service: 'shop', spans }]).weights;
const tagged = (type: string, param: string | number) => ({ 'sampler.type': type, 'sampler.param': param });
const A = 'aa'.repeat(16);
const B = 'bb'.repeat(16);

describe('what a span stands for', () => {
  test('is told by its trace state before an attribute, and by an attribute before the sampler', () => {
    const attributes = { 'sampling.ratio': double(0.5), ...tagged('probabilistic', '0.1') };
    expect(weights({ traceState: 'ot=th:c', attributes })).toEqual([4]);
    expect(weights({ attributes })).toEqual([2]);
    expect(weights({ attributes: tagged('probabilistic', '0.1') })).toEqual([10]);
  });

  test('may stand in the resource, and as a number or as text', () => {
    const spans = [{}, { attributes: { 'sampling.ratio': '0.125' } }];
    const resource = { service: 'shop', attributes: { 'sampling.ratio': double(0.25) }, spans };
    expect(weighed([resource]).weights).toEqual([4, 8]);
  });

  test('is one where a ratio is none, and that is counted', () => {
    const spans = ['0', '-1', '1.5', 'x', 'nan'].map((ratio) => ({
      attributes: { 'sampling.ratio': ratio },
    }));
    const { repairs, weights: found } = weighed([{ service: 'shop', spans }]);
    expect(found).toEqual([1, 1, 1, 1, 1]);
    expect(repairs).toEqual({ invalid_weight: 5 });
  });

  test('is capped, whoever says it', () => {
    const spans = [{ traceState: 'ot=th:ffffffffffffff' }, { attributes: tagged('probabilistic', '1e-9') }];
    const { repairs, weights: found } = weighed([{ service: 'shop', spans }]);
    expect(found).toEqual([1e6, 1e6]);
    expect(repairs).toEqual({ weight_capped: 2 });
  });

  test('is one for a sampler that keeps all, and unknown for one that limits a rate', () => {
    const spans = [{ attributes: tagged('const', 1) }, { attributes: tagged('ratelimiting', 2) }];
    const { repairs, weights: found } = weighed([{ service: 'shop', spans }]);
    expect(found).toEqual([1, 1]);
    expect(repairs).toEqual({ unknown_rate: 1 });
  });

  test('is told by the tags of the Go sampler too, and by none of them where tags are not asked', () => {
    const attributes = { 'jaeger.sampler.type': 'probabilistic', 'jaeger.sampler.param': double(0.2) };
    const spans = [{ attributes }];
    expect(weighed([{ service: 'shop', spans }]).weights).toEqual([5]);
    expect(weighed([{ service: 'shop', spans }], { samplerTags: false }).weights).toEqual([1]);
  });
});

describe('a root that a lower bound kept', () => {
  const low = { attributes: tagged('lowerbound', '0.1') };

  test('weighs nothing beside roots of its operation that probability kept, nor do its children', () => {
    const kept = { attributes: tagged('probabilistic', '0.1'), traceId: A };
    const child = { traceId: B, parentSpanId: '00000000000000aa', spanId: '00000000000000bb', name: 'child' };
    expect(weights({ ...low, traceId: B }, kept, child)).toEqual([0, 10, 0]);
  });

  test('is one where nothing else is known of its operation', () => {
    const other = { attributes: tagged('probabilistic', '0.1'), name: 'other' };
    expect(weights(low, other)).toEqual([1, 10]);
  });
});

describe('a span that tells nothing', () => {
  const child = { parentSpanId: '00000000000000aa', spanId: '00000000000000bb' };

  test('has the weight of its root, whichever comes first', () => {
    const root = { traceId: A, attributes: tagged('probabilistic', '0.25') };
    expect(
      weights({ ...child, traceId: A }, root, { ...child, traceId: A }, { ...child, traceId: B }),
    ).toEqual([4, 4, 4, 1]);
    expect(weights({ ...child, traceId: A }, { traceId: A, traceState: 'ot=th:8' })).toEqual([2, 2]);
  });

  test('keeps its own weight where it has one', () => {
    const root = { traceId: A, traceState: 'ot=th:c' };
    expect(weights(root, { ...child, traceId: A, traceState: 'ot=th:0' })).toEqual([4, 1]);
  });

  test('is what it is whatever other records are in the batch', () => {
    const dictionary = new Dictionary();
    const batch = new SpanBatch();
    const scanner = new OtlpScanner(dictionary);
    const records = [
      [
        { traceId: A, traceState: 'ot=th:c' },
        { ...child, traceId: A },
      ],
      [{ ...child, traceId: A }],
    ];
    records.forEach((spans, offset) => {
      scanner.append(batch, encodeProto([{ service: 'shop', spans }]), { offset, timestampMs: AT_MS });
    });
    new Weigher(OPTIONS).weigh(batch);
    expect([...batch.weight.subarray(0, 3)]).toEqual([4, 4, 1]);
  });

  test('in every one of a thousand traces', () => {
    const spans = Array.from({ length: 1000 }, (_, i) => i.toString(16).padStart(32, '1')).flatMap(
      (traceId) => [
        { ...child, traceId },
        { traceId, traceState: 'ot=th:e' },
      ],
    );
    expect(new Set(weights(...spans))).toEqual(new Set([8]));
  });
});

test('every repair is counted by its reason, and once', () => {
  const hour = 3_600_000_000_000n;
  const at = BigInt(AT_MS) * 1_000_000n;
  const spans = [
    { startNs: at, endNs: at - 1n },
    { startNs: at - 200n * hour, endNs: at },
    { startNs: at, endNs: at + 2n * hour },
    { traceId: '00'.repeat(16) },
    { traceState: 'ot=th:c;rv:00000000000000' },
    {},
  ];
  expect(weighed([{ service: 'shop', spans }]).repairs).toEqual({
    end_before_start: 1,
    too_late: 1,
    too_early: 1,
    invalid_id: 1,
    invalid_weight: 1,
  });
});

test('names that are no UTF-8 are counted as spans', () => {
  const bytes = Buffer.from(
    encodeProto([{ service: 'shop', spans: [{ name: 'GET ?' }, { name: 'GET ?' }] }]),
  );
  for (let i = bytes.indexOf('?'); i >= 0; i = bytes.indexOf('?', i + 1)) bytes[i] = 0xff;
  const dictionary = new Dictionary();
  const batch = new SpanBatch();
  new OtlpScanner(dictionary).append(batch, bytes, { offset: 0, timestampMs: AT_MS });
  const told: unknown[] = [];
  new QualityTally(dictionary.names).of(batch, (...one) => told.push(one));
  expect(told).toEqual([['invalid_utf8', 2]]);
});
