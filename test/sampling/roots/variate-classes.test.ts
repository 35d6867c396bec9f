import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  firstClassBelow,
  gateBelow,
  LAST_CLASS,
  variateClass,
} from '../../../src/sampling/roots/variate-classes.ts';

describe('variate classes', () => {
  it('put eight classes into an octave, the upper bound outside', () => {
    expect(variateClass(1)).toBe(0);
    expect(variateClass(0.95)).toBe(0);
    expect(variateClass(0.5)).toBe(7);
    expect(variateClass(0.4999)).toBe(8);
    expect(variateClass(0.25)).toBe(15);
    expect(variateClass(0)).toBe(LAST_CLASS);
  });

  it('count from the first class below a gate exactly what lies below its bound', () => {
    expect(firstClassBelow(1)).toBe(0);
    expect(firstClassBelow(0.5)).toBe(8);
    expect(firstClassBelow(0.51)).toBe(8);
    expect(firstClassBelow(0.499)).toBe(9);
    expect(gateBelow(0.51)).toBe(0.5);
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (q, u) => {
          const gate = gateBelow(q);
          expect(gate).toBeLessThanOrEqual(q);
          expect(gate).toBeGreaterThan(q * 0.9);
          expect(variateClass(u) >= firstClassBelow(q)).toBe(u < gate || (u === 1 && gate === 1));
        },
      ),
    );
  });
});
