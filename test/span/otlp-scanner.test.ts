import { describe, expect, it } from 'vitest';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { ScanError } from '../../src/span/scan-error.ts';
import type { ScanLimits } from '../../src/span/scan-limits.ts';
import { NONE, QUALITY, SpanBatch } from '../../src/span/span-batch.ts';
import { encodeProto, encodeSpan, type TestResource, type TestSpan } from '../support/spans.ts';
import { collide } from './collide.ts';

const RECORD = { offset: 41, timestampMs: 1_700_000_000_123 };

function scan(payload: Uint8Array, limits: Partial<ScanLimits> = {}, record = RECORD) {
  const dictionary = new Dictionary();
  const batch = new SpanBatch(64, 1);
  new OtlpScanner(dictionary, limits).append(batch, payload, record);
  return { batch, dictionary };
}

const scanRequest = (resources: TestResource[]) => scan(encodeProto(resources));
const scanSpan = (span: TestSpan, limits: Partial<ScanLimits> = {}) =>
  scan(encodeProto([{ service: 'a', spans: [span] }]), limits).batch;

/** A length-delimited field. */
function field(number: number, ...content: (Uint8Array | readonly number[])[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => Uint8Array.from(part)));
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7];
  return Buffer.concat([Uint8Array.from([number * 8 + 2, ...length]), bytes]);
}

/** A request whose one span consists of these bytes. */
const requestOf = (...span: (Uint8Array | readonly number[])[]): Buffer =>
  field(1, field(2, field(2, ...span)));

function reasonOf(payload: Uint8Array, limits: Partial<ScanLimits> = {}): string {
  try {
    scan(payload, limits);
  } catch (error) {
    if (error instanceof ScanError) return error.reason;
    throw error;
  }
  return 'accepted';
}

describe('OtlpScanner', () => {
  it('puts every field of a span into its column', () => {
    const { batch, dictionary } = scanRequest([
      {
        service: 'checkout',
        scopes: [
          {
            name: 'lib',
            spans: [
              {
                traceId: '0102030405060708090a0b0c0d0e0f10',
                spanId: '1112131415161718',
                parentSpanId: '2122232425262728',
                traceState: 'a=b',
                name: 'GET /cart',
                kind: 3,
                startNs: 1_700_000_000_000_000_001n,
                durationNs: 1_234_567,
                status: { code: 2, message: 'boom' },
                flags: 0x301,
              },
            ],
          },
        ],
      },
    ]);
    const { arena } = batch;
    const hex = (at: number | undefined, length: number) => arena.toString('hex', at, (at ?? 0) + length);
    const text = (at: Uint32Array, length: Uint32Array) =>
      arena.toString('utf8', at[0], (at[0] ?? 0) + (length[0] ?? 0));
    expect(batch.spans).toBe(1);
    expect(hex(batch.traceIdAt[0], 16)).toBe('0102030405060708090a0b0c0d0e0f10');
    expect(hex(batch.spanIdAt[0], 8)).toBe('1112131415161718');
    expect(hex(batch.parentIdAt[0], 8)).toBe('2122232425262728');
    expect(text(batch.traceStateAt, batch.traceStateLength)).toBe('a=b');
    expect(text(batch.nameAt, batch.nameLength)).toBe('GET /cart');
    expect(text(batch.statusMessageAt, batch.statusMessageLength)).toBe('boom');
    expect(dictionary.names.words[batch.nameId[0] ?? 0]).toBe('GET /cart');
    // 1700000000000000001 = 0x17979CFE362A0001
    expect([batch.startHi[0], batch.startLo[0]]).toEqual([0x17979cfe, 0x362a0001]);
    expect(batch.durationNs[0]).toBe(1_234_567);
    expect([batch.kind[0], batch.statusCode[0], batch.flags[0]]).toEqual([3, 2, 0x301]);
    expect([batch.weight[0], batch.quality[0]]).toEqual([1, 0]);
    expect(dictionary.identities[batch.resourceIdentity[0] ?? 0]?.service).toBe('checkout');
    expect(arena.toString('latin1', batch.scopeAt[0], batch.scopeEnd[0])).toBe('\n\u0003lib');
  });

  it('knows which resource, scope and record a span belongs to', () => {
    const dictionary = new Dictionary();
    const batch = new SpanBatch();
    const scanner = new OtlpScanner(dictionary);
    const payload = encodeProto([
      { service: 'a', scopes: [{ spans: [{}, {}] }, { spans: [{}] }] },
      { service: 'b', scopes: [{ spans: [{}] }] },
    ]);
    expect(scanner.append(batch, payload, { offset: 5, timestampMs: 1000 })).toBe(4);
    expect(scanner.append(batch, payload, { offset: 9, timestampMs: 2000 })).toBe(4);
    expect([...batch.resource.subarray(0, 8)]).toEqual([0, 0, 0, 1, 2, 2, 2, 3]);
    expect([...batch.scope.subarray(0, 8)]).toEqual([0, 0, 1, 2, 3, 3, 4, 5]);
    expect([...batch.record.subarray(0, 8)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect([...batch.recordOffset.subarray(0, 2)]).toEqual([5, 9]);
    expect([...batch.recordTimestampMs.subarray(0, 2)]).toEqual([1000, 2000]);
    expect([batch.recordAt[1], batch.recordEnd[1]]).toEqual([payload.length, 2 * payload.length]);
    expect([...batch.resourceIdentity.subarray(0, 4)]).toEqual([1, 2, 1, 2]);
    const spanBytes = batch.arena.subarray(batch.spanAt[7], batch.spanEnd[7]);
    expect(spanBytes.equals(encodeSpan({}))).toBe(true);
  });

  it('takes an empty payload as a record without spans', () => {
    const { batch } = scan(new Uint8Array(0));
    expect([batch.spans, batch.records, batch.resources]).toEqual([0, 1, 0]);
  });

  it.each([
    [{ traceId: '' }, [NONE, QUALITY.invalidId]],
    [{ traceId: '00'.repeat(16) }, [NONE, QUALITY.invalidId]],
    [{ traceId: 'ab'.repeat(15) }, [NONE, QUALITY.invalidId]],
  ])('marks a span with trace id %j', (span, expected) => {
    const batch = scanSpan(span);
    expect([batch.traceIdAt[0], batch.quality[0]]).toEqual(expected);
  });

  it('takes a zero or empty parent id for none, and one of a wrong length for a mistake', () => {
    expect([scanSpan({ parentSpanId: '00'.repeat(8) })].map((b) => [b.parentIdAt[0], b.quality[0]])).toEqual([
      [NONE, 0],
    ]);
    expect([scanSpan({ parentSpanId: '' })].map((b) => [b.parentIdAt[0], b.quality[0]])).toEqual([[NONE, 0]]);
    const wrong = scanSpan({ parentSpanId: '0102' });
    expect([wrong.parentIdAt[0], wrong.quality[0]]).toEqual([NONE, QUALITY.invalidId]);
  });

  it.each([
    [6, 0],
    [-1, 0],
    [5, 5],
  ])('keeps kind %d as %d', (kind, expected) => expect(scanSpan({ kind }).kind[0]).toBe(expected));

  it('counts an end before the start as duration 0', () => {
    const startNs = 1_700_000_000_000_000_000n;
    const batch = scanSpan({ startNs, endNs: startNs - 11_000_000n });
    expect([batch.durationNs[0], batch.quality[0]]).toEqual([0, QUALITY.negativeDuration]);
    expect(batch.startLo[0]).toBe(Number(startNs & 0xffff_ffffn));
  });

  it('subtracts times exactly across the borders of 32 and 53 bits', () => {
    const off = { pastMs: Number.POSITIVE_INFINITY, futureMs: Number.POSITIVE_INFINITY };
    const duration = (startNs: bigint, endNs: bigint) => scanSpan({ startNs, endNs }, off).durationNs[0];
    expect(duration(0x1797_9cfe_ffff_ffffn, 0x1797_9cff_0000_0000n)).toBe(1);
    expect(duration(1n, 2n ** 63n)).toBe(2 ** 63);
    expect(duration(0n, 2n ** 53n + 1n)).toBe(9007199254740992);
    expect(duration(1n, 2n ** 53n)).toBe(9007199254740991);
  });

  describe('judges times by the record', () => {
    const limits = { pastMs: 60_000, futureMs: 1000 };
    const RECORD_NS = 1_700_000_000_123_000_000n;
    const LATE = QUALITY.clampedTime | QUALITY.tooLate;
    const startOf = (batch: SpanBatch) =>
      (BigInt(batch.startHi[0] ?? 0) << 32n) + BigInt(batch.startLo[0] ?? 0);

    it.each([
      ['in the past', RECORD_NS - 61_000_000_000n, 5_000_000_000, 5_000_000_000, LATE],
      ['in the future', RECORD_NS + 2_000_000_000n, 10, 10, QUALITY.clampedTime],
      ['absent', 0n, 7, 7, LATE],
      ['fine, but the end is not', RECORD_NS, 3_000_000_000, 3_000_000_000, QUALITY.clampedTime],
      ['absurdly early and the duration too', 1000n, Number(RECORD_NS), 0, LATE],
    ])('and sets a start that is %s to the record timestamp', (_, startNs, durationNs, expected, quality) => {
      const batch = scanSpan({ startNs, durationNs }, limits);
      expect(startOf(batch)).toBe(RECORD_NS);
      expect([batch.durationNs[0], batch.quality[0]]).toEqual([expected, quality]);
    });

    it('and leaves alone what lies within the limits', () => {
      const batch = scanSpan({ startNs: RECORD_NS - 59_000_000_000n, durationNs: 59_500_000_000 }, limits);
      expect(startOf(batch)).toBe(RECORD_NS - 59_000_000_000n);
      expect(batch.quality[0]).toBe(0);
    });

    it('unless the record has no timestamp', () => {
      const payload = encodeProto([{ service: 'a', spans: [{ startNs: 5n, durationNs: 1 }] }]);
      const { batch } = scan(payload, limits, { offset: 0, timestampMs: -1 });
      expect([startOf(batch), batch.quality[0]]).toEqual([5n, 0]);
    });
  });

  it.each([
    ['ot=th:8', 2, QUALITY.weighed],
    ['ot=th:ffffffffffffff', 1e6, QUALITY.weighed | QUALITY.cappedWeight],
    ['ot=th:c;rv:00000000000000', 1, QUALITY.inconsistentWeight],
    ['other=1', 1, 0],
  ])('weighs trace state %s as %d', (traceState, weight, quality) => {
    const batch = scanSpan({ traceState });
    expect([batch.weight[0], batch.quality[0]]).toEqual([weight, quality]);
  });

  it('does not weigh when told so, and caps where told so', () => {
    expect(scanSpan({ traceState: 'ot=th:8' }, { weights: 'none' }).weight[0]).toBe(1);
    expect(scanSpan({ traceState: 'ot=th:f' }, { weightMax: 10 }).weight[0]).toBe(10);
  });

  it('reads the identity of a resource as the collector does', () => {
    const { batch, dictionary } = scanRequest([
      {
        attributes: { 'service.name': 'a', 'service.namespace': 'n', 'service.instance.id': 'i' },
        spans: [{}],
      },
      {
        attributes: [
          ['service.name', 'first'],
          ['service.name', 'second'],
        ],
        spans: [{}],
      },
      { attributes: { 'service.name': 5, 'service.instance.id': 6 }, spans: [{}] },
      { attributes: { 'service.name': '' }, spans: [{}] },
      { attributes: { 'service.namespace': 'n' }, spans: [{}] },
    ]);
    const identities = [...batch.resourceIdentity.subarray(0, 5)].map((id) => dictionary.identities[id]);
    expect(identities).toEqual([
      { service: 'a', namespace: 'n', instance: 'i' },
      { service: 'first', namespace: '', instance: '' },
      { service: '', namespace: '', instance: '6' },
      { service: '', namespace: '', instance: '' },
      { service: null, namespace: '', instance: '' },
    ]);
    expect(batch.resourceIdentity[4]).toBe(0);
  });

  it('keeps the identities of very many different resources apart', () => {
    const dictionary = new Dictionary();
    const scanner = new OtlpScanner(dictionary);
    const batch = new SpanBatch();
    const resources = Array.from({ length: 9000 }, (_, i) => ({
      service: `service ${i % 3000}`,
      attributes: { i },
    }));
    scanner.append(batch, encodeProto(resources), RECORD);
    expect(dictionary.identities.length).toBe(3001);
    for (const i of [0, 2999, 5000, 8999]) {
      expect(dictionary.identities[batch.resourceIdentity[i] ?? 0]?.service).toBe(`service ${i % 3000}`);
    }
  });

  it('does not take a resource for another one that has the same hash', () => {
    const resourceOf = (name: Buffer) =>
      field(1, field(1, Buffer.from('service.name')), field(2, field(1, name)));
    const first = resourceOf(Buffer.from('checkout'));
    const second = collide(first, 20);
    const { batch, dictionary } = scan(
      Buffer.concat([field(1, field(1, first)), field(1, field(1, second))]),
    );
    const services = [...batch.resourceIdentity.subarray(0, 2)].map(
      (id) => dictionary.identities[id]?.service,
    );
    expect(services).toEqual(['checkout', second.toString('latin1', 20)]);
  });

  it('gives a resource without bytes an empty range and identity 0', () => {
    const { batch } = scan(field(1, field(2, field(2))));
    expect([batch.resourceAt[0], batch.resourceEnd[0], batch.resourceIdentity[0]]).toEqual([0, 0, 0]);
    expect([batch.scopeAt[0], batch.scopeEnd[0]]).toEqual([0, 0]);
  });

  it('merges a resource, a scope and a status that come twice', () => {
    const pair = (key: string, value: string) =>
      field(1, field(1, Buffer.from(key)), field(2, field(1, Buffer.from(value))));
    const span = field(2, field(15, [0x18, 2]), field(15, field(2, Buffer.from('late'))));
    const payload = field(
      1,
      field(1, pair('service.name', 'a')),
      field(2, field(1, field(1, Buffer.from('lib'))), span, field(1, field(2, Buffer.from('1.0')))),
      field(1, pair('service.instance.id', 'i')),
    );
    const { batch, dictionary } = scan(payload);
    expect(dictionary.identities[batch.resourceIdentity[0] ?? 0]).toEqual({
      service: 'a',
      namespace: '',
      instance: 'i',
    });
    expect(batch.arena.toString('latin1', batch.scopeAt[0], batch.scopeEnd[0])).toBe(
      '\n\u0003lib\u0012\u00031.0',
    );
    expect(batch.statusCode[0]).toBe(2);
    const at = batch.statusMessageAt[0] ?? 0;
    expect(batch.arena.toString('latin1', at, at + (batch.statusMessageLength[0] ?? 0))).toBe('late');
  });

  it('takes the last of a scalar that comes twice and skips what it does not know', () => {
    const { batch } = scan(
      requestOf(
        [0x30, 2, 0x30, 3],
        field(5, Buffer.from('first')),
        field(5, Buffer.from('last')),
        [0x50, 7, 0xf8, 0x3f, 1],
      ),
    );
    expect(batch.kind[0]).toBe(3);
    expect(batch.arena.toString('latin1', batch.nameAt[0], (batch.nameAt[0] ?? 0) + 4)).toBe('last');
  });

  it.each([
    ['truncated', [0x0a]],
    ['truncated', [0x80]],
    ['truncated', requestOf([0x39, 1, 2, 3])],
    ['truncated', requestOf([0x4a, 0x00, 0x4a])],
    ['truncated', requestOf([0x30])],
    ['truncated', requestOf([0x30, 0x80])],
    ['varint_too_long', requestOf([0x30, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01])],
    ['varint_too_long', [0x0a, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['varint_too_long', requestOf([0xaa, 0x00, 0x00])],
    ['length_out_of_range', [0x0a, 0x01]],
    ['length_out_of_range', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x07]],
    ['length_out_of_range', requestOf([0x2a, 0x02, 0x41])],
    ['length_out_of_range', requestOf([0x4a, 0x00, 0x4a, 0x05])],
    ['wrong_wire_type', [0x08, 0x01]],
    ['wrong_wire_type', requestOf([0x2d, 1, 2, 3, 4])],
    ['wrong_wire_type', requestOf(field(6))],
    ['wrong_wire_type', requestOf(field(15, [0x10, 0x01]))],
    ['field_number_zero', [0x02, 0x00]],
    ['field_number_zero', requestOf([0x02, 0x00])],
    ['field_number_zero', requestOf([0x00, 0x00])],
    ['group', requestOf([0x53, 0x54])],
    ['group', requestOf([0x54])],
    ['unknown_wire_type', requestOf([0x56])],
    ['malformed_resource', field(1, field(1, field(1, [0x0a, 0x09])))],
  ])('refuses with %s', (reason, payload) => {
    expect(reasonOf(Uint8Array.from(payload))).toBe(reason);
  });

  it('refuses more spans than allowed', () => {
    const payload = encodeProto([{ spans: [{}, {}, {}] }]);
    expect(reasonOf(payload, { maxSpans: 2 })).toBe('too_many_spans');
    expect(reasonOf(payload, { maxSpans: 3 })).toBe('accepted');
  });

  it('takes a span whose attributes are broken: nobody has read them', () => {
    expect(reasonOf(requestOf(field(9, [0xff, 0xff])))).toBe('accepted');
  });

  it('leaves the batch as it was when a payload is refused', () => {
    const batch = new SpanBatch(64, 1);
    const scanner = new OtlpScanner(new Dictionary());
    const good = encodeProto([{ service: 'a', spans: [{ name: 'kept' }] }]);
    scanner.append(batch, good, RECORD);
    const before = batch.mark();
    const rich = { flags: 9, status: { code: 2 }, traceState: 'ot=th:8' };
    const bad = Buffer.concat([
      encodeProto([{ service: 'b', spans: [rich, rich, rich] }]),
      Uint8Array.of(0x0a, 0x7f),
    ]);
    expect(() => scanner.append(batch, bad, RECORD)).toThrow(ScanError);
    expect(batch.mark()).toEqual(before);
    scanner.append(batch, good, RECORD);
    expect([batch.flags[1], batch.statusCode[1], batch.traceStateLength[1], batch.weight[1]]).toEqual([
      0, 0, 0, 1,
    ]);
  });

  it('says BAD_DATA and never to retry', () => {
    const error = new ScanError('truncated');
    expect([error.code, error.retry, error.message]).toEqual(['BAD_DATA', 'never', 'truncated']);
  });
});
