import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SnapshotLog, type Taken } from '../../../../src/extensions/remote-sampling/ha/snapshot-log.ts';
import {
  changes,
  headRecord,
  inSends,
  type TopicRecord,
} from '../../../../src/extensions/remote-sampling/ha/snapshot-records.ts';
import type { StrategySnapshot } from '../../../../src/sampling/strategies/snapshot.ts';
import { perOperation, snapshotOf, snapshots } from './strategies.ts';

function take(log: SnapshotLog, { key, value }: TopicRecord): Taken {
  return log.take(Buffer.from(key), value === null ? null : Buffer.from(value));
}

function head(v: number, services: number): TopicRecord {
  return headRecord({ v, format: 1, by: 'test', madeAtMs: 1000 * v, services });
}

/** All records of the version that makes `log` say what `next` says. */
function versionOf(log: SnapshotLog, next: StrategySnapshot, v: number): TopicRecord[] {
  return [...changes(log.bodies, next, v), head(v, next.services.size)];
}

function write(log: SnapshotLog, next: StrategySnapshot, v: number): TopicRecord[] {
  const records = versionOf(log, next, v);
  for (const record of records) take(log, record);
  return records;
}

describe('a version', () => {
  test('is there when its head is, whole, and not before', () => {
    const log = new SnapshotLog();
    const [first, ...others] = versionOf(log, snapshotOf({ shop: perOperation({ 'GET /': 0.5 }) }), 1);
    expect(take(log, first as TopicRecord).kind).toBe('held');
    expect(log.snapshot).toBeUndefined();
    expect(others.map((record) => take(log, record).kind)).toEqual(['held', 'version']);
    expect(log.snapshot).toEqual({
      version: 1,
      madeAtMs: 1000,
      fallback: perOperation({}),
      services: new Map([['shop', perOperation({ 'GET /': 0.5 })]]),
    });
  });

  test('writes only what changed, and takes away what left', () => {
    const log = new SnapshotLog();
    const shop = perOperation({ 'GET /': 0.5 });
    write(log, snapshotOf({ shop, mail: perOperation({ send: 1 }), old: perOperation({}) }), 1);
    const records = write(log, snapshotOf({ shop, mail: perOperation({ send: 0.25 }) }), 2);
    expect(records).toEqual([
      {
        key: 'service/mail',
        value:
          '{"v":2,"parts":1,"type":"PROBABILISTIC","byOperation":{"default":0.001,"lowerBound":0.5,"upperBound":0,"operations":[["send",0.25]]}}',
      },
      { key: 'service/old', value: null },
      { key: 'head', value: '{"v":2,"format":1,"by":"test","madeAtMs":2000,"services":2}' },
    ]);
    expect([...(log.snapshot?.services.keys() ?? [])]).toEqual(['shop', 'mail']);
  });

  test('leaves the strategies that it does not change the same objects, so that their replies stay encoded', () => {
    const log = new SnapshotLog();
    const shop = perOperation({ 'GET /': 0.5 });
    write(log, snapshotOf({ shop, mail: perOperation({ send: 1 }) }), 1);
    const before = log.snapshot;
    write(log, snapshotOf({ shop, mail: perOperation({ send: 0.5 }) }), 2);
    expect(log.snapshot?.services.get('shop')).toBe(before?.services.get('shop'));
    expect(log.snapshot?.fallback).toBe(before?.fallback);
    expect(before?.services.get('mail')).toEqual(perOperation({ send: 1 }));
  });

  test('says what was wanted, whatever was served before', () => {
    fc.assert(
      fc.property(fc.array(snapshots, { minLength: 1, maxLength: 4 }), (wanted) => {
        const log = new SnapshotLog();
        for (const [i, next] of wanted.entries()) {
          write(log, next, i + 1);
          expect(log.snapshot).toEqual({ ...next, version: i + 1, madeAtMs: 1000 * (i + 1) });
          expect(changes(log.bodies, next, i + 2)).toEqual([]);
        }
      }),
    );
  });

  test('is read the same from a log in which only the last record of each key is left', () => {
    fc.assert(
      fc.property(fc.array(snapshots, { minLength: 1, maxLength: 4 }), (wanted) => {
        const log = new SnapshotLog();
        const all = wanted.flatMap((next, i) => write(log, next, i + 1));
        const compacted = all.filter(({ key }, i) => all.findLastIndex((one) => one.key === key) === i);
        const later = new SnapshotLog();
        for (const record of compacted) take(later, record);
        expect(later.snapshot).toEqual(log.snapshot);
      }),
    );
  });

  test('with a service too large for one record comes in parts, none of them larger than 256 KiB', () => {
    const rates = Object.fromEntries(
      Array.from({ length: 9000 }, (_, i) => [`GET /${'ä'.repeat(30)}/${i}`, i / 9000]),
    );
    const log = new SnapshotLog();
    const next = snapshotOf({ large: perOperation(rates), small: perOperation({}) });
    const records = write(log, next, 1);
    expect(records.map(({ key }) => key)).toEqual([
      'fallback',
      'service/large',
      'part/1/large',
      'part/2/large',
      'part/3/large',
      'service/small',
      'head',
    ]);
    for (const { value } of records) expect(Buffer.byteLength(value ?? '')).toBeLessThanOrEqual(256 << 10);
    expect(log.snapshot?.services).toEqual(next.services);
    expect(inSends(records).map((send) => send.length)).toEqual([3, 4]);
    const smaller = write(log, snapshotOf({ large: perOperation({ a: 1 }), small: perOperation({}) }), 2);
    expect(smaller.map(({ key, value }) => [key, value === null])).toEqual([
      ['service/large', false],
      ['part/1/large', true],
      ['part/2/large', true],
      ['part/3/large', true],
      ['head', false],
    ]);
  });
});

describe('what can not be understood', () => {
  const SHOP = snapshotOf({ shop: perOperation({ 'GET /': 0.5 }) });

  function served(): SnapshotLog {
    const log = new SnapshotLog();
    write(log, SHOP, 1);
    return log;
  }

  test('leaves what is served as it is: a version of which a service is missing', () => {
    const log = served();
    expect(take(log, head(2, 7))).toEqual({
      kind: 'malformed',
      why: 'version 2 has 7 services, and the topic 1',
    });
    expect(log.snapshot?.version).toBe(1);
    // Nobody may use the number again.
    expect(log.version).toBe(2);
  });

  test.each([
    ['no JSON', '{"v":2,'],
    ['no strategy', '{"v":2,"parts":1,"type":"CONST"}'],
    ['a part that is not there', '{"v":2,"parts":2,"type":"PROBABILISTIC","rate":1}'],
  ])('is a version with a service that is %s, until the service is written again', (_what, value) => {
    const log = served();
    take(log, { key: 'service/shop', value });
    expect(take(log, head(2, 1)).kind).toBe('malformed');
    expect(log.snapshot?.services).toEqual(SHOP.services);
    expect(take(log, head(3, 1)).kind).toBe('malformed');
    write(log, snapshotOf({ shop: perOperation({ 'GET /': 0.25 }) }), 4);
    expect(log.snapshot?.version).toBe(4);
    expect(log.snapshot?.services.get('shop')).toEqual(perOperation({ 'GET /': 0.25 }));
  });

  test.each(['', 'null', '{}', '{"v":"2"}', '[]'])('is a head such as %j', (value) => {
    const log = served();
    expect(take(log, { key: 'head', value }).kind).toBe('malformed');
    expect(log.snapshot?.version).toBe(1);
  });

  test('is a record under a key of nobody here', () => {
    const log = served();
    expect(take(log, { key: 'part/0/x', value: '{}' })).toEqual({
      kind: 'malformed',
      why: 'a record under "part/0/x"',
    });
    expect(log.take(null, null).kind).toBe('malformed');
  });

  test('is what a newer release writes: it is left alone', () => {
    const log = served();
    expect(log.isNewer).toBe(false);
    const newer = headRecord({ v: 2, format: 2, by: 'test', madeAtMs: 0, services: 1 });
    expect(take(log, newer)).toEqual({
      kind: 'malformed',
      why: 'the topic is written by a newer release (format 2, known 1)',
    });
    expect(log.isNewer).toBe(true);
    expect(log.snapshot?.version).toBe(1);
  });
});
