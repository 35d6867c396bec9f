import { expect, test } from 'vitest';
import { dimensionGlob } from '../../src/red/dimension-glob.ts';
import { EventCounter, type EventCounterOptions } from '../../src/red/event-counter.ts';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { type AttributeValue, encodeProto, type TestResource } from '../support/spans.ts';

function counted(resources: TestResource[], options: Partial<EventCounterOptions>) {
  const dictionary = new Dictionary();
  const batch = new SpanBatch();
  new OtlpScanner(dictionary).append(batch, encodeProto(resources), { offset: 0, timestampMs: 0 });
  const counter = new EventCounter(dictionary, {
    seriesLimit: 100,
    mask: -1,
    shown: (values) => values,
    ...options,
  });
  const rows = counter.count(batch);
  const series = Array.from(rows.series, (id) => counter.series.keyOf(id));
  return { rows, series, counter };
}

type Given = Readonly<Record<string, AttributeValue>>;
const event = (attributes: Given) => ({ timeNs: 1n, name: 'exception', attributes });

test('an attribute is looked for in the span, the event and the resource, in this order', () => {
  const { rows, series } = counted(
    [
      {
        service: 's',
        attributes: { a: 'resource', b: 'resource', c: 'resource' },
        spans: [
          { name: 'x', attributes: { a: 'span' }, events: [event({ a: 'event', b: 'event' }), event({})] },
          { name: 'no events' },
        ],
      },
    ],
    { dimensions: [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd', default: 'default' }] },
  );
  expect(series.map(({ spanName, dimensions }) => [spanName, ...dimensions])).toEqual([
    ['x', 'span', 'event', 'resource', 'default'],
    ['x', 'span', 'resource', 'resource', 'default'],
  ]);
  expect([...rows.count]).toEqual([1, 1]);
});

test('events count as much as their span', () => {
  const spans = [
    { traceState: 'ot=th:8', events: [event({ k: '1' }), event({ k: '1' }), event({ k: '2' })] },
  ];
  const { rows } = counted([{ service: 's', spans }], { dimensions: [{ name: 'k' }] });
  expect([...rows.count]).toEqual([4, 2]);
});

test('events of spans without a service are not counted', () => {
  const spans = [{ events: [event({ k: '1' })] }];
  expect(counted([{ spans }], { dimensions: [{ name: 'k' }] }).rows.rows).toBe(0);
});

test('globs see the attributes of events too', () => {
  const spans = [{ attributes: { 'e.a': 'span' }, events: [event({ 'e.a': 'event', 'e.b': 1 })] }];
  const { series } = counted([{ service: 's', attributes: { 'e.b': 2, 'e.c': 3 }, spans }], {
    globs: [dimensionGlob('e.*')],
  });
  expect(series.map(({ extra }) => extra)).toEqual([
    [
      ['e.a', 'span'],
      ['e.b', '1'],
      ['e.c', '3'],
    ],
  ]);
});

test('beyond the limit events are counted in the overflow series', () => {
  const spans = [{ events: ['1', '2', '3', '4'].map((k) => event({ k })) }];
  const { rows, series } = counted([{ service: 's', spans }], {
    dimensions: [{ name: 'k' }],
    seriesLimit: 2,
  });
  expect(series.map(({ spanName }) => spanName)).toEqual(['op', 'op', 'otel.metric.overflow']);
  expect([...rows.count]).toEqual([1, 1, 2]);
});

test('series of events that do not come any more make room', () => {
  const dictionary = new Dictionary();
  const scanner = new OtlpScanner(dictionary);
  let nowMs = 0;
  const counter = new EventCounter(dictionary, {
    seriesLimit: 1,
    mask: -1,
    shown: (values) => values,
    dimensions: [{ name: 'k' }],
    monotonicMs: () => nowMs,
  });
  // The record's time has no say: this one comes from a clock that is years ahead.
  const timestampMs = Date.UTC(2100);
  const at = (minutes: number, k: string): (string | null)[][] => {
    const batch = new SpanBatch();
    nowMs = minutes * 60_000;
    scanner.append(batch, encodeProto([{ service: 's', spans: [{ events: [event({ k })] }] }]), {
      offset: 0,
      timestampMs,
    });
    return Array.from(counter.count(batch).series, (id) => [...counter.series.keyOf(id).dimensions]);
  };
  expect([at(0, 'a'), at(1, 'b'), at(20, 'c')]).toEqual([[['a']], [[null]], [['c']]]);
});
