import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CommitQueue } from '../../src/flow/commit-queue.ts';

test('nothing may be committed while the oldest block is unsafe', () => {
  const queue = new CommitQueue<string>();
  queue.add('a');
  queue.add('b');
  queue.markSafe('b');
  expect(queue.committable()).toEqual([]);
});

test('a gapless run of safe blocks may be committed, oldest first', () => {
  const queue = new CommitQueue<string>();
  for (const block of ['a', 'b', 'c']) queue.add(block);
  queue.markSafe('b');
  queue.markSafe('a');
  expect(queue.committable()).toEqual(['a', 'b']);
  queue.remove(2);
  expect(queue.committable()).toEqual([]);
  queue.markSafe('c');
  expect(queue.committable()).toEqual(['c']);
});

test('in whatever order blocks become safe, a commit is never ahead of one that is not', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(30), { maxLength: 60 }), (safeOrder) => {
      const queue = new CommitQueue<number>();
      for (let block = 0; block <= 30; block++) queue.add(block);
      const safe = new Set<number>();
      let committed = 0;
      for (const block of safeOrder) {
        queue.markSafe(block);
        safe.add(block);
        const run = queue.committable();
        queue.remove(run.length);
        for (const one of run) {
          expect(one).toBe(committed);
          expect(safe.has(one)).toBe(true);
          committed++;
        }
        expect(safe.has(committed)).toBe(false);
      }
    }),
  );
});
