import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BodyIndex } from '../../../src/exporters/prometheus/body-index.ts';
import { LabelBodies } from '../../../src/exporters/prometheus/label-bodies.ts';

test('labels lead to the id that has them, through any order of coming and going', () => {
  const step = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 1500 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3000, size: 'max' }), (steps) => {
      const bodies = new LabelBodies();
      const index = new BodyIndex(bodies);
      const expected = new Map<string, number>();
      const free: number[] = [];
      for (const [isAdded, n] of steps) {
        const text = `name="${n}"`;
        const known = expected.get(text);
        expect(index.find(Buffer.from(text))).toBe(known ?? -1);
        if (isAdded && known === undefined) {
          const reused = free.pop();
          const id = reused ?? bodies.size;
          if (reused === undefined) bodies.add(text);
          else bodies.replace(id, text);
          index.put(id, Buffer.from(text));
          expected.set(text, id);
        } else if (!isAdded && known !== undefined) {
          index.delete(known);
          free.push(known);
          expected.delete(text);
        }
      }
      for (const [text, id] of expected) expect(index.find(Buffer.from(text))).toBe(id);
    }),
    { numRuns: 20 },
  );
});
