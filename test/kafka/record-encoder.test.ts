import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { SourceRecord } from '../../src/flow/intake.ts';
import { encodeRecord } from '../../src/kafka/record-encoder.ts';
import { RecordWalker } from '../../src/kafka/records.ts';

/** kafkajs' own encoder: these tests do not load src/kafka/kafkajs.ts, which would replace it. */
const kafkaJsRecord = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/record/v0');

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
const header = fc.record({ key: fc.string({ maxLength: 6 }), value: fc.option(bytes) });

function read(encoded: Buffer): SourceRecord {
  const records: SourceRecord[] = [];
  const base = { offset: 100, timestampMs: 1_700_000_000_000, maxTimestampMs: 0, isLogAppendTime: false };
  new RecordWalker(encoded, 0, encoded.length).readAll(1, base, records);
  return records[0] as SourceRecord;
}

it('writes what kafkajs writes where kafkajs can', () => {
  const message = fc.record({
    offsetDelta: fc.nat(),
    timestampDelta: fc.integer({ min: -1_000_000, max: 100_000_000_000 }),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), bytes, { maxKeys: 3, noNullPrototype: true }),
  });
  fc.assert(
    fc.property(message, (record) => {
      expect(encodeRecord(record)).toEqual(kafkaJsRecord(record).buffer);
    }),
  );
});

it('keeps the order of headers, names that come twice and null values', () => {
  fc.assert(
    fc.property(fc.array(header, { maxLength: 8 }), (headers) => {
      expect(read(encodeRecord({ key: null, value: Buffer.from('v'), headers })).headers ?? []).toEqual(
        headers,
      );
    }),
  );
});

it('writes headers as kafkajs takes them, one after the other where a name has several values', () => {
  const headers = { b: ['1', Buffer.from('2')], a: 'text' };
  expect(read(encodeRecord({ key: 'k', value: null, headers, offsetDelta: 7 }))).toEqual({
    offset: 107,
    timestampMs: 1_700_000_000_000,
    key: Buffer.from('k'),
    value: null,
    headers: [
      { key: 'b', value: Buffer.from('1') },
      { key: 'b', value: Buffer.from('2') },
      { key: 'a', value: Buffer.from('text') },
    ],
  });
});
