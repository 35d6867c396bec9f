import { describe, expect, it } from 'vitest';
import { Dictionary } from '../../src/span/dictionary.ts';
import { OtlpScanner } from '../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../src/span/span-batch.ts';
import { encodeProto } from '../support/spans.ts';

describe('SpanBatch', () => {
  it('keeps the arena and its offsets when it grows', () => {
    const batch = new SpanBatch(8, 4);
    const at = batch.reserve(8);
    batch.arena.write('12345678', at);
    const next = batch.reserve(100);
    expect([at, next, batch.arenaUsed]).toEqual([0, 8, 108]);
    expect(batch.arena.toString('latin1', 0, 8)).toBe('12345678');
  });

  it('doubles all span columns at once and keeps their rows', () => {
    const batch = new SpanBatch(8, 16);
    batch.nameId[3] = 77;
    batch.durationNs[3] = 1.5;
    batch.kind[3] = 2;
    batch.growSpans();
    expect(batch.spanCapacity).toBe(32);
    expect([batch.nameId[3], batch.durationNs[3], batch.kind[3]]).toEqual([77, 1.5, 2]);
    const lengths = [batch.traceIdAt, batch.weight, batch.quality, batch.statusMessageLength, batch.flags];
    expect(lengths.map((column) => column.length)).toEqual([32, 32, 32, 32, 32]);
  });

  it('grows the columns of resources, scopes and records by themselves', () => {
    const batch = new SpanBatch(8, 4);
    for (let i = 0; i < 1000; i++) {
      batch.addResource();
      batch.addScope();
      batch.addRecord(i, i * 10, i, i + 1);
    }
    expect([batch.resources, batch.scopes, batch.records]).toEqual([1000, 1000, 1000]);
    expect([batch.recordOffset[999], batch.recordTimestampMs[999], batch.recordEnd[999]]).toEqual([
      999, 9990, 1000,
    ]);
  });

  it('says how many bytes it holds, used or not', () => {
    const batch = new SpanBatch(1000, 10);
    const before = batch.memoryBytes;
    // 24 columns of 4 bytes, 2 of 8 and 3 of 1; resources 3 x 4 x 256, scopes 2 x 4 x 256, records 64 x 24.
    expect(before).toBe(1000 + 10 * (24 * 4 + 2 * 8 + 3) + 256 * 20 + 64 * 24);
    batch.growSpans();
    expect(batch.memoryBytes).toBeGreaterThan(before);
  });

  it('forgets everything on reset and gives back a large arena when asked to', () => {
    const batch = new SpanBatch(16, 4);
    batch.reserve(1000);
    batch.addRecord(1, 2, 3, 4);
    batch.reset();
    expect([batch.arenaUsed, batch.records]).toEqual([0, 0]);
    expect(batch.arena.length).toBe(1000);
    batch.reset(64);
    expect(batch.arena.length).toBe(64);
  });

  it('does not show a used batch to those who fill it again', () => {
    const batch = new SpanBatch(64, 1);
    const scanner = new OtlpScanner(new Dictionary());
    const record = { offset: 0, timestampMs: 1_700_000_000_000 };
    const rich = {
      flags: 1,
      status: { code: 2, message: 'boom' },
      traceState: 'ot=th:8',
      events: [{ timeNs: 1n, name: 'e' }],
      links: [{ traceId: 'aa'.repeat(16), spanId: 'bb'.repeat(8) }],
    };
    scanner.append(batch, encodeProto([{ service: 'a', spans: [rich, rich] }]), record);
    expect(batch.statusCode[1]).toBe(2);
    batch.reset();
    scanner.append(batch, encodeProto([{ service: 'a', spans: [{ kind: 0 }, { kind: 0 }] }]), record);
    for (const column of [
      batch.flags,
      batch.kind,
      batch.statusCode,
      batch.statusMessageLength,
      batch.traceStateAt,
    ]) {
      expect([...column.subarray(0, 2)]).toEqual([0, 0]);
    }
    for (const column of [
      batch.eventsAt,
      batch.eventsEnd,
      batch.linksAt,
      batch.linksEnd,
      batch.attributesEnd,
    ]) {
      expect([...column.subarray(0, 2)]).toEqual([0, 0]);
    }
    expect([...batch.weight.subarray(0, 2)]).toEqual([1, 1]);
  });
});
