import { expect, it } from 'vitest';
import type { RecordHeader } from '../../../src/flow/intake.ts';
import {
  headersOf,
  markHeaders,
  positionText,
  readLetter,
  retriesOf,
  retryHeaders,
} from '../../../src/receivers/kafka/dead-letter-headers.ts';
import type { DeadLetter } from '../../../src/receivers/kafka/dead-letters.ts';

const OWN = [header('b', '1'), header('a', '2'), header('b', null), header('x-spanweir-offset', '77')];
const POSITION = { clusterId: 'c1', topic: 'spans', partition: 3, offset: 42 };
const PUT_ASIDE = { atMs: 1_700_000_009_000, version: '1.2.3' };
const LETTER: DeadLetter = {
  clusterId: 'c1',
  topic: 'spans',
  partition: 3,
  reason: 'truncated',
  record: {
    offset: 42,
    timestampMs: 1_700_000_000_000,
    key: Buffer.from('k'),
    value: Buffer.from('bad'),
    headers: OWN,
  },
};

function header(key: string, value: string | null): RecordHeader {
  return { key, value: value === null ? null : Buffer.from(value) };
}

function found(headers: RecordHeader[], value: Buffer | null = Buffer.from('bad')) {
  return readLetter({ offset: 0, timestampMs: 5, key: Buffer.from('k'), value, headers });
}

it('tells reason, position, time and version behind the headers of the record', () => {
  const text = headersOf(LETTER, PUT_ASIDE, undefined).map(({ key, value }) => [key, value && String(value)]);
  expect(text).toEqual([
    ['b', '1'],
    ['a', '2'],
    ['b', null],
    ['x-spanweir-offset', '77'],
    ['x-spanweir-reason', 'truncated'],
    ['x-spanweir-cluster', 'c1'],
    ['x-spanweir-topic', 'spans'],
    ['x-spanweir-partition', '3'],
    ['x-spanweir-offset', '42'],
    ['x-spanweir-timestamp-ms', '1700000000000'],
    ['x-spanweir-put-aside-ms', '1700000009000'],
    ['x-spanweir-version', '1.2.3'],
    ['x-spanweir-own-headers', '4'],
  ]);
});

it('is read back with exactly the headers of the record, whatever those are called', () => {
  expect(found(headersOf(LETTER, PUT_ASIDE, undefined))).toEqual({
    position: POSITION,
    lastOffset: undefined,
    reason: 'truncated',
    timestampMs: 1_700_000_000_000,
    putAside: PUT_ASIDE,
    key: Buffer.from('k'),
    value: Buffer.from('bad'),
    headers: OWN,
    omitted: undefined,
  });
});

it('tells the range of a whole batch, and where a value is that was left out', () => {
  const omitted = { bytes: 9, sha256: 'ab', place: 'folder' } as const;
  const letter = { ...LETTER, lastOffset: 50 };
  expect(found(headersOf(letter, PUT_ASIDE, omitted), null)).toMatchObject({ lastOffset: 50, omitted });
});

it('reads letters of the first release, which did not count the headers of the record', () => {
  const first = [
    header('own', '1'),
    ...headersOf({ ...LETTER, record: { ...LETTER.record, headers: [] } }, PUT_ASIDE, undefined),
  ];
  const headers = first.filter(({ key }) => !/put-aside|version|own-headers/.test(key));
  expect(found(headers)).toMatchObject({
    position: POSITION,
    putAside: { atMs: 5 },
    headers: [header('own', '1')],
  });
});

it('knows a mark from a letter, and neither from what others put on the topic', () => {
  expect(found(markHeaders(POSITION, 99), null)).toEqual({ position: POSITION, retriedMs: 99 });
  expect(found([header('x-spanweir-reason', 'truncated')])).toBeUndefined();
  expect(found([])).toBeUndefined();
});

it('counts the retries of a record from letter to letter, and names the last position', () => {
  const once = retryHeaders({ headers: OWN, position: POSITION });
  expect(retriesOf(OWN)).toBe(0);
  expect(retriesOf(once)).toBe(1);
  const twice = retryHeaders({ headers: once, position: { ...POSITION, offset: 1000 } });
  expect(twice).toEqual([
    ...OWN,
    header('x-spanweir-retry-of', 'spans:3:1000'),
    header('x-spanweir-retry-count', '2'),
  ]);
  expect(positionText(POSITION)).toBe('spans:3:42');
});
