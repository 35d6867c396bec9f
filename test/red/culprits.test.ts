import { expect, test } from 'vitest';
import { Culprits } from '../../src/red/culprits.ts';

const bomb = (spans: number) => [{ service: 'bomb', label: 'span.name', spans }];

test('a culprit is told of once it matters, as new once, and then with what it adds', () => {
  const culprits = new Culprits();
  expect(culprits.note(bomb(600))).toEqual([]);
  expect(culprits.note(bomb(600))).toEqual([
    { service: 'bomb', label: 'span.name', spans: 1200, isNew: true },
  ]);
  expect(culprits.note(bomb(50))).toEqual([{ service: 'bomb', label: 'span.name', spans: 50, isNew: false }]);
});

test('no more than twenty are ever told of', () => {
  const culprits = new Culprits();
  const all = Array.from({ length: 50 }, (_, i) => ({ service: `s${i}`, label: 'span.name', spans: 5000 }));
  expect(culprits.note(all)).toHaveLength(20);
  expect(culprits.note(all)).toHaveLength(20);
});
