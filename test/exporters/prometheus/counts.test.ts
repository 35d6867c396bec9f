import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Counts } from '../../../src/exporters/prometheus/counts.ts';

test('a number is what was added to it, however large it grows', () => {
  const counts = new Counts();
  const seen: number[] = [];
  for (const amount of [1, 254, 1, 65_279, 1, 4_294_901_759, 1, 2 ** 52]) {
    counts.add(20_000, amount);
    seen.push(counts.get(20_000));
  }
  expect(seen).toEqual([1, 255, 256, 65_535, 65_536, 4_294_967_295, 4_294_967_296, 4_503_603_922_337_792]);
  const around = new Float64Array(3);
  counts.read(19_999, around);
  expect([...around]).toEqual([0, 4_503_603_922_337_792, 0]);
  expect([counts.get(19_999), counts.get(20_001), counts.get(10 ** 6)]).toEqual([0, 0, 0]);
});

test('a fraction is kept, and so are the numbers beside it', () => {
  const counts = Counts.of(Float64Array.of(7, 200, 0));
  counts.add(2, 0.1);
  counts.add(1, 0.5);
  expect([0, 1, 2].map((i) => counts.get(i))).toEqual([7, 200.5, 0.1]);
});

test('cleared numbers begin at 0 again, and others stay', () => {
  const counts = Counts.of(Float64Array.of(1, 2, 3, 4));
  counts.clear(1, 3);
  counts.add(2, 5);
  expect([0, 1, 2, 3].map((i) => counts.get(i))).toEqual([1, 0, 5, 4]);
});

test('it counts as doubles do', () => {
  const amount = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(0.25, 1 / 3, 70_000, 2 ** 33));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), amount)), (adds) => {
      const counts = new Counts();
      const expected = new Float64Array(10);
      for (const [index, amount] of adds) {
        counts.add(index * 2731, amount);
        expected[index] = (expected[index] as number) + amount;
      }
      expect(Float64Array.from(expected, (_, i) => counts.get(i * 2731))).toEqual(expected);
      const all = new Float64Array(10 * 2731);
      counts.read(0, all);
      expect(Float64Array.from(expected, (_, i) => all[i * 2731] as number)).toEqual(expected);
    }),
  );
});
