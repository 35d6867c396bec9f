import { describe, expect, it } from 'vitest';
import { adjustedCount, INCONSISTENT, NOT_ADJUSTED } from '../../src/span/adjusted-count.ts';

/** Between other bytes, which must not be read. */
function countOf(traceState: string): number {
  const bytes = Buffer.from(`ot=th:8,${traceState};rv:0`);
  return adjustedCount(bytes, 8, Buffer.byteLength(traceState));
}

describe('adjustedCount', () => {
  it.each([
    ['0', 1],
    ['1', 1.0666666666666667],
    ['2', 1.1428571428571428],
    ['4', 1.3333333333333333],
    ['8', 2],
    ['c', 4],
    ['e', 8],
    ['f', 16],
    ['ff', 256],
    ['fff', 4096],
    ['fd70a3d70a3d71', 100.00000000000006],
    ['e6666666666666', 10],
    ['ffffffffffffff', 72057594037927936],
  ])('gives th:%s the exact weight %d', (th, weight) => {
    expect(countOf(`ot=th:${th}`)).toBe(weight);
  });

  it.each([
    '',
    'invalid',
    'other=value',
    'ot=rv:abcdabcdabcdff',
    'ot=',
    'ot',
    'xot=th:8',
    'ot=th',
    'ot=ht:8',
  ])('does not adjust for %j, which has no threshold', (traceState) =>
    expect(countOf(traceState)).toBe(NOT_ADJUSTED),
  );

  it.each([
    'ot=th:',
    'ot=th:g',
    'ot=th:8C',
    'ot=th:123456789abcdef',
    'ot=th:8;rv:12',
    `ot=th:8;x:${'y'.repeat(250)}`,
  ])('does not believe %j, which is not well formed', (traceState) =>
    expect(countOf(traceState)).toBe(NOT_ADJUSTED),
  );

  it.each([
    'ot=th:8,other=value',
    'other=value,ot=th:8',
    'a=b, \tot=th:8 ,c=d',
    'ot=x:1;th:8',
    'ot=th:8;rv:ffffffffffffff',
  ])('finds the threshold in %j', (traceState) => expect(countOf(traceState)).toBe(2));

  it('takes the first of two ot members', () => expect(countOf('ot=th:8,ot=th:c')).toBe(2));

  it('calls a threshold above the randomness inconsistent', () => {
    expect(countOf('ot=th:c;rv:00000000000000')).toBe(INCONSISTENT);
    expect(countOf('ot=th:c;rv:bfffffffffffff')).toBe(INCONSISTENT);
    expect(countOf('ot=th:c;rv:c0000000000000')).toBe(4);
    expect(countOf('ot=rv:80000000000000;th:80000000000001')).toBe(INCONSISTENT);
  });
});
