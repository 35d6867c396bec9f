import { describe, expect, it } from 'vitest';
import type { RecordHeader, SourceRecord } from '../../../src/flow/intake.ts';
import { withHeaders } from '../../../src/receivers/kafka/header-extraction.ts';
import { decodeProto, encodeJson, encodeProto } from '../../support/spans.ts';

const headers: RecordHeader[] = [
  { key: 'tenant', value: Buffer.from('blue') },
  { key: 'tenant', value: Buffer.from('second') },
  { key: 'other', value: Buffer.from('x') },
];

function record(value: Uint8Array): SourceRecord {
  return { offset: 0, timestampMs: 0, key: null, value, headers };
}

describe('withHeaders', () => {
  it('adds the first header of a name to every resource and leaves the rest as it was', () => {
    const resources = [
      { service: 'shop', schemaUrl: 'u', spans: [{ name: 'a' }] },
      { spans: [{ name: 'b', attributes: { k: 'v'.repeat(300) } }] },
    ];
    const before = decodeProto(encodeProto(resources));
    const { value } = withHeaders(record(encodeProto(resources)), ['tenant', 'absent'], 'otlp_proto');
    const after = decodeProto(value as Uint8Array);
    expect(after.map(({ attributes }) => attributes)).toEqual([
      [
        ['service.name', 'shop'],
        ['kafka.header.tenant', 'blue'],
      ],
      [['kafka.header.tenant', 'blue']],
    ]);
    expect(after.map(({ scopes, schemaUrl }) => [scopes, schemaUrl])).toEqual(
      before.map(({ scopes, schemaUrl }) => [scopes, schemaUrl]),
    );
  });

  it('does the same for JSON', () => {
    const { value } = withHeaders(
      record(Buffer.from(encodeJson([{ service: 'shop', spans: [{}] }]))),
      ['tenant'],
      'otlp_json',
    );
    const parsed = JSON.parse(String(value)) as {
      resourceSpans: { resource: { attributes: { key: string }[] } }[];
    };
    expect(parsed.resourceSpans[0]?.resource.attributes.map(({ key }) => key)).toEqual([
      'service.name',
      'kafka.header.tenant',
    ]);
  });

  it('gives malformed bytes back unchanged', () => {
    const bytes = Buffer.from([0x0a, 0x7f, 0x01]);
    expect(withHeaders(record(bytes), ['tenant'], 'otlp_proto').value).toBe(bytes);
    expect(withHeaders(record(bytes), ['tenant'], 'otlp_json').value).toBe(bytes);
  });
});
