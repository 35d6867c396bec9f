import { describe, expect, test } from 'vitest';
import { exportTraceServiceRequest } from './otlp-proto.ts';
import { type Attributes, decodeProto, double, encodeJson, encodeProto, type TestResource } from './spans.ts';

const attributes: Attributes = [
  ['text', 'käse'],
  ['yes', true],
  ['int', -3],
  ['big', 9_007_199_254_740_993n],
  ['half', 0.5],
  ['whole double', double(2)],
  ['bytes', Uint8Array.of(0, 255)],
  ['nothing', null],
  ['list', ['a', 1, [false]]],
  ['map', { a: 1, b: { c: 'd' } }],
  ['text', 'again'],
];

const full: TestResource = {
  service: 'shop',
  attributes,
  droppedAttributesCount: 1,
  schemaUrl: 'https://example.org/1',
  scopes: [
    {
      name: 'scope',
      version: '2',
      attributes: { k: 'v' },
      droppedAttributesCount: 3,
      schemaUrl: 'https://example.org/2',
      spans: [
        {
          traceId: '0102030405060708090a0b0c0d0e0f10',
          spanId: '0102030405060708',
          parentSpanId: '1112131415161718',
          traceState: 'ot=th:8',
          name: 'GET /',
          kind: 3,
          startNs: 1_700_000_000_123_456_789n,
          endNs: 1_700_000_001_000_000_001n,
          attributes,
          droppedAttributesCount: 4,
          events: [{ timeNs: 5n, name: 'e', attributes: { a: 1 }, droppedAttributesCount: 5 }],
          droppedEventsCount: 6,
          links: [
            {
              traceId: '0102030405060708090a0b0c0d0e0f11',
              spanId: '0102030405060709',
              traceState: 'a=b',
              attributes: { l: 0.25 },
              droppedAttributesCount: 7,
              flags: 8,
            },
          ],
          droppedLinksCount: 9,
          status: { code: 2, message: 'broken' },
          flags: 0x301,
        },
      ],
    },
  ],
};

describe('the payload builder of the tests', () => {
  test('reads back every field that it wrote', () => {
    const { service: _service, ...rest } = full;
    const expected = { ...rest, attributes: [['service.name', 'shop'], ...(attributes as [])] };
    const [resource] = decodeProto(encodeProto([full]));
    expect(resource).toMatchObject({
      ...expected,
      scopes: [
        {
          ...full.scopes?.[0],
          attributes: [['k', 'v']],
          spans: [
            {
              ...full.scopes?.[0]?.spans[0],
              events: [{ name: 'e', timeNs: 5n, attributes: [['a', 1]], droppedAttributesCount: 5 }],
              links: [{ spanId: '0102030405060709', attributes: [['l', 0.25]], flags: 8 }],
            },
          ],
        },
      ],
    });
  });

  test('puts each field where the specification numbers it', () => {
    const bytes = encodeProto([
      {
        spans: [
          { traceId: 'aa'.repeat(16), spanId: 'bb'.repeat(8), name: 'n', kind: 1, startNs: 1n, endNs: 2n },
        ],
      },
    ]);
    const span = [
      `0a10${'aa'.repeat(16)}`,
      `1208${'bb'.repeat(8)}`,
      '2a016e',
      '3001',
      '390100000000000000',
      '410200000000000000',
    ].join('');
    // 51 bytes of span in 53 of ScopeSpans in 57 of ResourceSpans, which begins with an empty Resource
    expect(bytes.toString('hex')).toBe(`0a390a00123512${(51).toString(16)}${span}`);
  });

  test('writes JSON with hex ids, string integers and base64 bytes', () => {
    const json = JSON.parse(encodeJson([full]));
    const span = json.resourceSpans[0].scopeSpans[0].spans[0];
    expect(span.traceId).toBe('0102030405060708090a0b0c0d0e0f10');
    expect(span.startTimeUnixNano).toBe('1700000000123456789');
    expect(span.attributes[2]).toEqual({ key: 'int', value: { intValue: '-3' } });
    expect(span.attributes[6]).toEqual({ key: 'bytes', value: { bytesValue: 'AP8=' } });
    expect(span.attributes[7]).toEqual({ key: 'nothing', value: {} });
  });

  test('fills in ids, times and a service for a span of which nothing is said', () => {
    const [resource] = decodeProto(encodeProto([{ service: 's', spans: [{}] }]));
    expect(resource?.attributes).toEqual([['service.name', 's']]);
    expect(resource?.scopes[0]?.spans[0]).toMatchObject({
      traceId: 'ffffffffffffffff00000000000000aa',
      spanId: '00000000000000aa',
      parentSpanId: '',
      startNs: 1_700_000_000_000_000_000n,
      endNs: 1_700_000_000_001_000_000n,
      kind: 2,
      status: { code: 0, message: '' },
    });
  });

  test('keeps an empty status apart from none', () => {
    const one = exportTraceServiceRequest.decode(encodeProto([{ spans: [{ status: {} }, {}] }]));
    const object = exportTraceServiceRequest.toObject(one);
    const spans = object.resourceSpans[0].scopeSpans[0].spans;
    expect(spans.map((span: object) => 'status' in span)).toEqual([true, false]);
  });
});
