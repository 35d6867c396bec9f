import { expect, test } from 'vitest';
import { SpaceSaving } from '../../src/sketch/space-saving.ts';

test('a word that comes often is known by its count, whatever else comes', () => {
  const sketch = new SpaceSaving(8);
  let atLeast = 0;
  for (let i = 0; i < 1000; i++) {
    atLeast = sketch.offer('often', 3);
    sketch.offer(`rare-${i}`, 1);
  }
  expect(atLeast).toBe(3000);
});

test('a word is never said to have come oftener than it did', () => {
  const sketch = new SpaceSaving(2);
  sketch.offer('a', 5);
  sketch.offer('b', 3);
  expect(sketch.offer('c', 1)).toBe(1);
  expect(sketch.offer('c', 1)).toBe(2);
  expect(sketch.offer('a', 1)).toBe(6);
});
