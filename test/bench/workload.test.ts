import { describe, expect, test } from 'vitest';
import { DEFAULT_BUCKETS_MS, sumBy } from '../../bench/ledger.ts';
import { Workload } from '../../bench/workload.ts';
import { decodeProto, flatSpans } from '../support/spans.ts';

const messages = (options: ConstructorParameters<typeof Workload>[0]) => {
  const workload = new Workload(options);
  return { workload, messages: [...workload.messages()] };
};

describe('the standard workload', () => {
  test('has 100 spans in 5 resources a message, and 10 and 5 attributes', () => {
    const { workload, messages: made } = messages({ spans: 1000 });
    expect(made).toHaveLength(10);
    for (const message of made) {
      const resources = decodeProto(message);
      expect(resources).toHaveLength(5);
      expect(new Set(resources.map(({ attributes }) => attributes[0]?.[1])).size).toBe(5);
      for (const { attributes } of resources) expect(attributes).toHaveLength(5);
      const spans = flatSpans(resources);
      expect(spans).toHaveLength(100);
      for (const { attributes } of spans) expect(attributes).toHaveLength(10);
    }
    expect(workload.ledger).toMatchObject({ messages: 10, spans: 1000 });
    const bytesPerSpan = workload.ledger.bytes / workload.ledger.spans;
    expect(bytesPerSpan).toBeGreaterThan(380);
    expect(bytesPerSpan).toBeLessThan(420);
  });

  test('has a ledger that agrees with its decoded messages, series by series', () => {
    const { workload, messages: made } = messages({ spans: 20_000, seed: 7 });
    const counted = new Map<string, [spans: number, roots: number, durationNs: number]>();
    for (const span of made.flatMap((message) => flatSpans(decodeProto(message)))) {
      const key = `${span.service}|${span.name}|${span.kind}|${span.status.code}`;
      const [spans, roots, durationNs] = counted.get(key) ?? [0, 0, 0];
      const isRoot = span.parentSpanId === '';
      counted.set(key, [spans + 1, roots + Number(isRoot), durationNs + Number(span.endNs - span.startNs)]);
    }
    const seen = workload.ledger.series.filter(({ spans }) => spans > 0);
    expect(seen).toHaveLength(counted.size);
    for (const { service, operation, kind, status, spans, roots, durationNs, buckets } of seen) {
      const key = `${service}|${operation}|${kind}|${status}`;
      expect([key, spans, roots, durationNs]).toEqual([key, ...(counted.get(key) ?? [])]);
      expect(buckets.reduce((sum, n) => sum + n, 0)).toBe(spans);
    }
  });

  test('puts each duration into the first bucket whose bound is not below it', () => {
    const { workload, messages: made } = messages({ spans: 500 });
    const perBucket = Array.from({ length: DEFAULT_BUCKETS_MS.length + 1 }, () => 0);
    for (const span of made.flatMap((message) => flatSpans(decodeProto(message)))) {
      const ms = Number(span.endNs - span.startNs) / 1e6;
      const bucket = DEFAULT_BUCKETS_MS.findIndex((bound) => ms <= bound);
      const index = bucket < 0 ? DEFAULT_BUCKETS_MS.length : bucket;
      perBucket[index] = (perBucket[index] ?? 0) + 1;
    }
    const sums = perBucket.map((_, i) => workload.ledger.series.reduce((n, s) => n + (s.buckets[i] ?? 0), 0));
    expect(sums).toEqual(perBucket);
  });

  test('has traces of ten spans, one without a parent, each parent in the same trace', () => {
    const spans = flatSpans(decodeProto(messages({ spans: 100 }).messages[0] as Buffer));
    const traceIds = new Set(spans.map(({ traceId }) => traceId));
    expect(traceIds.size).toBe(10);
    for (const id of traceIds) {
      const trace = spans.filter(({ traceId }) => traceId === id);
      const ids = new Set(trace.map(({ spanId }) => spanId));
      expect(ids.size).toBe(10);
      const parents = trace.map(({ parentSpanId }) => parentSpanId);
      expect(parents.filter((id) => id === '')).toHaveLength(1);
      expect(parents.every((id) => id === '' || ids.has(id))).toBe(true);
    }
  });

  test('is the same for the same options and another for another seed', () => {
    const [one, same, other] = [1, 1, 2].map((seed) =>
      Buffer.concat(messages({ spans: 300, seed }).messages),
    );
    expect(same?.equals(one as Buffer)).toBe(true);
    expect(other?.equals(one as Buffer)).toBe(false);
  });

  test('reaches all of its 6,000 series within 200,000 spans', () => {
    const ledger = new Workload({ spans: 200_000 }).countAll();
    expect(ledger.series).toHaveLength(6000);
    expect(ledger.series.every(({ spans }) => spans > 0)).toBe(true);
    const services = sumBy(
      ledger,
      ({ service }) => service,
      ({ spans }) => spans,
    );
    expect(services.size).toBe(50);
    expect([...services.values()].reduce((sum, n) => sum + n, 0)).toBe(200_000);
  });

  test('marks roots and makes resources distinct when asked', () => {
    const options = {
      spans: 200,
      rootAttributes: { 'sampler.type': 'probabilistic' },
      distinctResources: true,
    };
    const pids = new Set<unknown>();
    for (const message of messages(options).messages) {
      const resources = decodeProto(message);
      for (const { attributes } of resources)
        pids.add(attributes.find(([key]) => key === 'process.pid')?.[1]);
      for (const { attributes, parentSpanId } of flatSpans(resources)) {
        expect(attributes.some(([key]) => key === 'sampler.type')).toBe(parentSpanId === '');
      }
    }
    expect([...pids]).toEqual(['00000000', '00000001']);
  });

  test('starts its spans one interval apart from the given time on', () => {
    const spans = flatSpans(
      decodeProto(messages({ spans: 100, startNs: 5n, spanIntervalNs: 10 }).messages[0] as Buffer),
    );
    expect(spans.map(({ startNs }) => startNs)).toEqual(spans.map((_, i) => 5n + BigInt(i) * 10n));
  });

  test.each([1, 10, 1000])('has %i spans a message when asked, in whole traces of ten', (spansPerMessage) => {
    const { workload, messages: made } = messages({ spans: 2000, spansPerMessage, seed: 3 });
    expect(made).toHaveLength(2000 / spansPerMessage);
    const decoded = made.map((message) => flatSpans(decodeProto(message)));
    for (const spans of decoded) expect(spans).toHaveLength(spansPerMessage);
    const byTrace = new Map<string, { spanId: string; parentSpanId: string }[]>();
    for (const span of decoded.flat())
      byTrace.set(span.traceId, [...(byTrace.get(span.traceId) ?? []), span]);
    expect(byTrace.size).toBe(200);
    for (const trace of byTrace.values()) {
      expect(new Set(trace.map(({ spanId }) => spanId)).size).toBe(10);
      expect(trace.filter(({ parentSpanId }) => parentSpanId === '')).toHaveLength(1);
    }
    expect(workload.ledger.series.reduce((sum, { spans }) => sum + spans, 0)).toBe(2000);
    expect(new Set(decoded.flat().map(({ startNs }) => startNs)).size).toBe(2000);
  });

  test('names services and operations with as many digits as the largest needs', () => {
    const spans = flatSpans(
      decodeProto(messages({ spans: 100, services: 1001, operations: 7 }).messages[0] as Buffer),
    );
    for (const { service, name } of spans) {
      expect(service).toMatch(/^service-\d{4}$/);
      expect(name).toMatch(/^(GET|POST) \/items\/\{id\}\/\d{2}$/);
    }
  });

  test.each([4, 7, 14, 28])('refuses %i services: those of a message would not differ', (services) => {
    expect(() => new Workload({ spans: 100, services })).toThrow('services must be');
  });
});
