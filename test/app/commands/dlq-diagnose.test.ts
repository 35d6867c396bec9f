import { expect, it } from 'vitest';
import { diagnose, diagnoseBatch } from '../../../src/app/commands/dlq-diagnose.ts';
import { encodeJson, encodeProto } from '../../support/spans.ts';

const GOOD = encodeProto([{ service: 's', spans: [{ name: 'one' }, { name: 'two' }] }]);

it('says of a good payload that nothing is wrong', () => {
  expect(diagnose(GOOD, 'otlp_proto', 0)).toEqual([
    'read as otlp_proto: 2 spans; nothing is wrong with the encoding',
  ]);
});

it('names the byte and the field in which a cut payload ends too early', () => {
  // resource_spans { scope_spans { spans { name: 5 bytes promised, 2 there } } }
  const cut = Buffer.from('0a' + '08' + '1206' + '1204' + '2a05' + '6f6e', 'hex');
  expect(diagnose(cut, 'otlp_proto', 0)).toEqual([
    'read as otlp_proto: refused, length_out_of_range',
    'first broken rule of protobuf: length_out_of_range at byte 6 of 10, in resource_spans[0].scope_spans[0].spans[0].name',
  ]);
});

it('names a field that has come with the wrong type', () => {
  const wrong = Buffer.from('0a' + '04' + '1202' + '1001', 'hex');
  expect(diagnose(wrong, 'otlp_proto', 0)[1]).toBe(
    'first broken rule of protobuf: wrong_wire_type at byte 4 of 6, in resource_spans[0].scope_spans[0].spans[0]',
  );
});

it('tells what the bytes look like instead', () => {
  const last = (value: Buffer) => diagnose(value, 'otlp_proto', 0).at(-1);
  expect(last(Buffer.from('this is a text, not a span'))).toBe('it looks like text');
  expect(last(Buffer.from(encodeJson([{ service: 's', spans: [{}] }])))).toBe(
    "it looks like JSON: the receiver's encoding may have to be otlp_json",
  );
  expect(last(Buffer.from('1f8b0800', 'hex'))).toBe(
    'it looks like a payload that its sender compressed with gzip',
  );
  expect(last(Buffer.alloc(0))).toBe('it looks like nothing: the value is empty');
});

it('says where JSON stops being JSON', () => {
  const lines = diagnose(Buffer.from('{"resourceSpans": [}'), 'otlp_json', 0);
  expect(lines[0]).toBe('read as otlp_json: refused, json_syntax');
  expect(lines[1]).toMatch(/^as JSON: Unexpected token/);
});

it('survives a value that is nested deeper than it can look', () => {
  let nested = Buffer.alloc(0);
  for (let depth = 0; depth < 5000; depth++) {
    const array = Buffer.concat([Buffer.from([0x0a]), varint(nested.length), nested]);
    nested = Buffer.concat([Buffer.from([0x2a]), varint(array.length), array]);
  }
  const attribute = Buffer.concat([Buffer.from([0x12]), varint(nested.length), nested]);
  let payload = Buffer.concat([Buffer.from([0x4a]), varint(attribute.length), attribute]);
  for (const tag of [0x12, 0x12, 0x0a])
    payload = Buffer.concat([Buffer.from([tag]), varint(payload.length), payload]);
  expect(diagnose(payload, 'otlp_proto', 0)).toEqual([
    'read as otlp_proto: 1 span; nothing is wrong with the encoding',
  ]);
});

it('says what is wrong with a whole record batch', async () => {
  const batch = Buffer.alloc(61);
  batch.writeInt32BE(49, 8);
  batch[16] = 2;
  batch.writeInt32BE(1, 57);
  expect(await diagnoseBatch(batch)).toEqual(['record batch of offsets 0 to 0: corrupt: checksum mismatch']);
  expect(await diagnoseBatch(batch.subarray(0, 40))).toEqual([
    'the bytes are cut off: not a whole record batch',
  ]);
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
