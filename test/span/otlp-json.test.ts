import { describe, expect, it } from 'vitest';
import { quoteLongIntegers, transcodeJson } from '../../src/span/otlp-json.ts';
import { ScanError } from '../../src/span/scan-error.ts';
import { decodeProto, encodeJson, encodeProto } from '../support/spans.ts';
import { Differential } from './differential.ts';
import { makePayload, randomFrom } from './random-payloads.ts';

const transcode = (json: string) => decodeProto(transcodeJson(Buffer.from(json)));
const spanOf = (json: string) =>
  transcode(`{"resourceSpans":[{"scopeSpans":[{"spans":[${json}]}]}]}`)[0]?.scopes[0]?.spans[0];

function reasonOf(json: string): string {
  try {
    transcodeJson(Buffer.from(json));
  } catch (error) {
    if (error instanceof ScanError) return error.reason;
    throw error;
  }
  return 'accepted';
}
const reasonOfSpan = (json: string) => reasonOf(`{"resourceSpans":[{"scopeSpans":[{"spans":[${json}]}]}]}`);

describe('transcodeJson', () => {
  it('gives the message that the same request has as protobuf', () => {
    const request = [
      {
        service: 'checkout',
        attributes: {
          n: 1,
          f: 0.5,
          big: 2n ** 62n + 1n,
          list: ['a', true, { k: 'v' }],
          raw: Buffer.from([1, 255]),
        },
        schemaUrl: 'https://example.com/1',
        scopes: [
          {
            name: 'lib',
            version: '1',
            spans: [
              {
                traceState: 'ot=th:8',
                parentSpanId: '0102030405060708',
                status: { code: 2, message: 'ünï' },
                attributes: { long: 'x'.repeat(20_000), nan: Number.NaN },
                events: [{ timeNs: 1_700_000_000_000_000_001n, name: 'e', attributes: { a: null } }],
                links: [{ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), flags: 4_294_967_295 }],
                droppedAttributesCount: 3,
                flags: 257,
              },
            ],
          },
        ],
      },
    ];
    const expected = decodeProto(encodeProto(request));
    expect(transcode(encodeJson(request))).toEqual(expected);
  });

  it('gives what the scanner and protobufjs read alike', () => {
    const random = randomFrom(5);
    const differential = new Differential();
    for (let i = 0; i < 100; i++) {
      const decoded = decodeProto(makePayload(random));
      const json = encodeJson(decoded as Parameters<typeof encodeJson>[0]);
      const bytes = transcodeJson(Buffer.from(json));
      expect(decodeProto(bytes)).toEqual(decoded);
      expect(differential.check(Buffer.from(bytes))).toBe('accepted');
    }
  });

  it('reads 64-bit integers exactly from strings and numbers', () => {
    const span = spanOf(
      `{"startTimeUnixNano":1700000000123456789,"endTimeUnixNano":"18446744073709551615",
        "attributes":[{"key":"1234567890123456789","value":{"intValue":-9223372036854775808}},
                      {"key":"k","value":{"intValue":"-5"}}]}`,
    );
    expect(span?.startNs).toBe(1_700_000_000_123_456_789n);
    expect(span?.endNs).toBe(2n ** 64n - 1n);
    expect(span?.attributes).toEqual([
      ['1234567890123456789', -(2n ** 63n)],
      ['k', -5],
    ]);
  });

  it('takes enums by number and by name', () => {
    const span = spanOf('{"kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR"}}');
    expect([span?.kind, span?.status.code]).toEqual([3, 2]);
    expect(spanOf('{"kind":5}')?.kind).toBe(5);
    expect(spanOf('{"kind":-77}')?.kind).toBe(-77);
  });

  it('takes snake_case, ignores what it does not know and takes null for absent', () => {
    const resources = transcode(
      `{"resource_spans":[{"resource":null,"new":{"a":[1]},"scope_spans":[{"spans":[
        {"trace_id":"ABCDEFabcdef00000000000000000001","name":null,"__proto__":{"x":1},"constructor":5}]}]}]}`,
    );
    expect(resources[0]?.scopes[0]?.spans[0]?.traceId).toBe('abcdefabcdef00000000000000000001');
  });

  it('keeps whole doubles doubles and an empty string set', () => {
    const json =
      '{"attributes":[{"key":"d","value":{"doubleValue":2}},{"key":"s","value":{"stringValue":""}}]}';
    const bytes = transcodeJson(Buffer.from(`{"resourceSpans":[{"resource":${json}}]}`));
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '0a1b0a190a0e0a016412092100000000000000400a070a017312020a00',
    );
  });

  it.each([
    ['json_syntax', ''],
    ['json_syntax', '{"resourceSpans":'],
    ['json_type', '[]'],
    ['json_type', '5'],
    ['json_type', '{"resourceSpans":{}}'],
    ['json_type', '{"resourceSpans":["x"]}'],
    ['json_type', '{"resourceSpans":[null]}'],
    [
      'too_deep',
      `{"resourceSpans":[{"resource":{"attributes":[{"value":${'{"arrayValue":{"values":['.repeat(5000)}${']}}'.repeat(5000)}}]}}]}`,
    ],
    ['accepted', '{}'],
  ])('says %s', (reason, json) => expect(reasonOf(json)).toBe(reason));

  it.each([
    ['json_id', '{"traceId":"xyz0"}'],
    ['json_id', '{"traceId":"abc"}'],
    ['json_type', '{"traceId":5}'],
    ['json_type', '{"name":5}'],
    ['json_type', '{"kind":"SPAN_KIND_NONE"}'],
    ['json_type', '{"kind":1.5}'],
    ['json_number', '{"startTimeUnixNano":-1}'],
    ['json_number', '{"startTimeUnixNano":"18446744073709551616"}'],
    ['json_number', '{"startTimeUnixNano":1.5}'],
    ['json_number', '{"flags":4294967296}'],
    ['json_number', '{"attributes":[{"value":{"intValue":"9223372036854775808"}}]}'],
    ['json_number', '{"attributes":[{"value":{"doubleValue":"1,5"}}]}'],
    ['json_type', '{"attributes":[{"value":{"boolValue":1}}]}'],
    ['json_base64', '{"attributes":[{"value":{"bytesValue":"a b"}}]}'],
  ])('says %s of the span %s', (reason, json) => expect(reasonOfSpan(json)).toBe(reason));

  it('refuses a text that is longer than allowed before it is parsed', () => {
    expect(() => transcodeJson(Buffer.from('{"resourceSpans":[]}'), 10)).toThrow('too_large');
  });
});

describe('quoteLongIntegers', () => {
  it.each([
    ['{"a":1700000000123456789}', '{"a":"1700000000123456789"}'],
    ['[-1234567890123456, 1]', '["-1234567890123456", 1]'],
    ['{"a":"x\\":1700000000123456789"}', '{"a":"x\\":1700000000123456789"}'],
    ['{"1":1234567890123456.5}', '{"1":1234567890123456.5}'],
    ['{"1":12345678901234567e3}', '{"1":12345678901234567e3}'],
    ['{"a": "b\\\\", "c": 12345678901234567}', '{"a": "b\\\\", "c": "12345678901234567"}'],
    ['[ 01234567890123456', '[ 01234567890123456'],
    ['"unterminated 1234567890123456789', '"unterminated 1234567890123456789'],
  ])('turns %s into %s', (json, expected) => expect(quoteLongIntegers(json)).toBe(expected));
});
