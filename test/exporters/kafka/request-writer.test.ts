import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestWriter } from '../../../src/exporters/kafka/request-writer.ts';
import { asOneGroup, byTrace } from '../../../src/exporters/kafka/trace-groups.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { OtlpScanner } from '../../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../../src/span/span-batch.ts';
import { decodeProto, encodeProto, flatSpans, type TestResource } from '../../support/spans.ts';

const TRACES = ['a', 'b', 'c'].map((letter) => letter.repeat(32));

function batchOf(...requests: readonly (readonly TestResource[])[]): SpanBatch {
  const batch = new SpanBatch(64, 1);
  const scanner = new OtlpScanner(new Dictionary());
  requests.forEach((request, offset) => {
    scanner.append(batch, encodeProto(request), { offset, timestampMs: 1_700_000_000_000 });
  });
  return batch;
}

function span(id: number, trace = 0) {
  return {
    spanId: id.toString(16).padStart(16, '0'),
    traceId: TRACES[trace] as string,
    name: `operation ${id}`,
    attributes: { 'http.route': '/a/b', size: id },
  };
}

/** Every trace's requests, decoded. */
function regrouped(batch: SpanBatch, maxBytes = 1_000_000) {
  const { spans, ends, groups } = byTrace(batch);
  const writer = new RequestWriter(batch, spans);
  const requests: Buffer[] = [];
  for (let group = 0, from = 0; group < groups; group++) {
    while (from < (ends[group] as number)) {
      const to = writer.cut(from, ends[group] as number, maxBytes);
      requests.push(writer.write(from, to));
      from = to;
    }
  }
  return requests;
}

describe('RequestWriter', () => {
  it('gives back a request byte by byte when its spans stay together', () => {
    const request = encodeProto([
      {
        service: 'shop',
        attributes: { pod: 'x1' },
        scopes: [{ name: 'lib', version: '2', spans: [span(1), span(2)] }],
      },
      { service: 'cart', spans: [span(3)] },
    ]);
    const batch = new SpanBatch();
    new OtlpScanner(new Dictionary()).append(batch, request, { offset: 0, timestampMs: 0 });
    const writer = new RequestWriter(batch, asOneGroup(batch).spans);
    expect(decodeProto(writer.write(0, 3))).toEqual(decodeProto(request));
  });

  it('keeps a span without resource and scope as it is', () => {
    const batch = batchOf([{ spans: [span(1)] }]);
    const decoded = decodeProto(new RequestWriter(batch, asOneGroup(batch).spans).write(0, 1));
    expect(flatSpans(decoded).map(({ name, service }) => [service, name])).toEqual([['', 'operation 1']]);
  });

  it('puts the spans of one trace together, from several requests and resources', () => {
    const batch = batchOf(
      [{ service: 'shop', spans: [span(1, 0), span(2, 1)] }],
      [
        { service: 'cart', spans: [span(3, 0)] },
        { service: 'shop', spans: [span(4, 2), span(5, 0)] },
      ],
    );
    const found = regrouped(batch).map((request) =>
      flatSpans(decodeProto(request)).map(({ service, name, traceId }) => [service, name, traceId?.[0]]),
    );
    expect(found).toEqual([
      [
        ['shop', 'operation 1', 'a'],
        ['cart', 'operation 3', 'a'],
        ['shop', 'operation 5', 'a'],
      ],
      [['shop', 'operation 2', 'b']],
      [['shop', 'operation 4', 'c']],
    ]);
  });

  it('never changes, loses or doubles a span, whatever the grouping and the size of messages', () => {
    const resource = fc.record({
      service: fc.constantFrom('shop', 'cart'),
      traces: fc.array(fc.nat(2), { minLength: 1, maxLength: 8 }),
    });
    const requests = fc.array(fc.array(resource, { minLength: 1, maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(requests, fc.integer({ min: 300, max: 3000 }), (shapes, maxBytes) => {
        let id = 1;
        const given = shapes.map((shape) =>
          shape.map(({ service, traces }) => ({ service, spans: traces.map((trace) => span(id++, trace)) })),
        );
        const sent = given.flatMap((request) => flatSpans(decodeProto(encodeProto(request))));
        const written = regrouped(batchOf(...given), maxBytes);
        for (const request of written) expect(request.length).toBeLessThanOrEqual(maxBytes);
        const received = written.flatMap((request) => flatSpans(decodeProto(request)));
        const byId = (a: { spanId?: string }, b: { spanId?: string }) =>
          (a.spanId ?? '') < (b.spanId ?? '') ? -1 : 1;
        expect(received.sort(byId)).toEqual(sent.sort(byId));
      }),
      { numRuns: 100 },
    );
  });

  it('takes no span into a message that is too small for it', () => {
    const batch = batchOf([{ service: 'shop', spans: [span(1)] }]);
    expect(new RequestWriter(batch, asOneGroup(batch).spans).cut(0, 1, 50)).toBe(0);
  });
});

describe('byTrace', () => {
  it('groups spans without a usable trace id together', () => {
    const batch = batchOf([
      { service: 'shop', spans: [{ ...span(1), traceId: '' }, span(2), { ...span(3), traceId: '' }] },
    ]);
    const { spans, ends, groups } = byTrace(batch);
    expect([groups, [...spans], [...ends]]).toEqual([2, [0, 2, 1], [2, 3]]);
  });
});
