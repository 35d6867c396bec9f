import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockLine, type CommitStep } from '../../src/flow/block-line.ts';
import { MAX_PLANNED_BLOCKS, type PlannedBlock } from '../../src/flow/block-plan.ts';

interface TestBlock {
  readonly planned: PlannedBlock;
}

/** Offsets first to last, one record each. */
function block(firstOffset: number, lastOffset: number): TestBlock {
  const records = lastOffset - firstOffset + 1;
  return {
    planned: {
      firstOffset,
      lastOffset,
      records,
      firstRecordOffset: firstOffset,
      firstTimestampMs: 1,
      revision: 1,
    },
  };
}

const FRESH = { committedOffset: 0, toReform: [] };
const closedAt = (offset: number) => ({ nextOffset: offset, openFrom: offset, isOpen: false });

test('a planned block is written only after a commit that names it was acknowledged', () => {
  const line = new BlockLine<TestBlock>(true, FRESH);
  const a = block(0, 9);
  line.add(a);
  expect(line.nextToWrite()).toBeUndefined();
  const step = line.nextCommit(closedAt(10)) as CommitStep<TestBlock>;
  expect(step).toEqual({ ended: [], nextOffset: 0, plan: { from: 0, blocks: [a.planned] } });
  expect(line.nextToWrite()).toBeUndefined();
  line.acknowledged(step);
  expect(line.nextToWrite()).toBe(a);
  expect(line.nextToWrite()).toBeUndefined();
  expect(line.nextCommit(closedAt(10))).toBeUndefined();
});

test('the commit that ends a block names the next one', () => {
  const line = new BlockLine<TestBlock>(true, FRESH);
  const [a, b] = [block(0, 9), block(10, 19)];
  line.add(a);
  line.acknowledged(line.nextCommit(closedAt(10)) as CommitStep<TestBlock>);
  line.nextToWrite();
  line.add(b);
  expect(line.nextToWrite()).toBeUndefined();
  line.markWritten(a);
  const step = line.nextCommit(closedAt(20)) as CommitStep<TestBlock>;
  expect(step).toEqual({ ended: [a], nextOffset: 10, plan: { from: 10, blocks: [b.planned] } });
  line.acknowledged(step);
  expect(line.nextToWrite()).toBe(b);
});

test('a commit with nothing behind it has an empty plan that says where the next block begins', () => {
  const line = new BlockLine<TestBlock>(true, FRESH);
  const a = block(0, 9);
  line.add(a);
  line.acknowledged(line.nextCommit(closedAt(10)) as CommitStep<TestBlock>);
  line.nextToWrite();
  line.markWritten(a);
  // Offsets 10 to 14 held nothing: the position moves over them, the next block still begins at 10.
  const end = { nextOffset: 15, openFrom: 10, isOpen: false };
  expect(line.nextCommit(end)).toEqual({ ended: [a], nextOffset: 15, plan: { from: 10, blocks: [] } });
});

test('blocks of the plan that are not formed again yet stay in every commit', () => {
  const [a, b] = [block(0, 9), block(10, 19)];
  const line = new BlockLine<TestBlock>(true, { committedOffset: 0, toReform: [a.planned, b.planned] });
  expect(line.nextCommit({ nextOffset: 0, openFrom: 0, isOpen: false })).toBeUndefined();
  line.add(a);
  expect(line.nextToWrite()).toBe(a);
  line.markWritten(a);
  const step = line.nextCommit({ nextOffset: 13, openFrom: 10, isOpen: true });
  expect(step).toEqual({ ended: [a], nextOffset: 10, plan: { from: 10, blocks: [b.planned] } });
});

test('a plan names as many blocks as there is room for, the rest later', () => {
  const line = new BlockLine<TestBlock>(true, FRESH);
  const blocks = Array.from({ length: MAX_PLANNED_BLOCKS + 2 }, (_, i) => block(i, i));
  for (const one of blocks) line.add(one);
  const first = line.nextCommit(closedAt(99)) as CommitStep<TestBlock>;
  expect(first.plan?.blocks).toHaveLength(MAX_PLANNED_BLOCKS);
  line.acknowledged(first);
  const written = line.nextToWrite() as TestBlock;
  line.markWritten(written);
  const second = line.nextCommit(closedAt(99)) as CommitStep<TestBlock>;
  expect(second.plan?.blocks.at(-1)).toBe(blocks[MAX_PLANNED_BLOCKS]?.planned);
});

test('where blocks are not planned all are written at once, and commits carry nothing', () => {
  const line = new BlockLine<TestBlock>(false, FRESH);
  const [a, b] = [block(0, 9), block(10, 19)];
  line.add(a);
  line.add(b);
  expect([line.nextToWrite(), line.nextToWrite(), line.nextToWrite()]).toEqual([a, b, undefined]);
  line.markWritten(b);
  expect(line.nextCommit(closedAt(20))).toBeUndefined();
  line.markWritten(a);
  expect(line.nextCommit(closedAt(20))).toEqual({ ended: [a, b], nextOffset: 20, plan: undefined });
});

/**
 * Random interleavings of sealing, writing, answers of the broker, and deaths after which the next owner begins
 * with what the broker has. The laws: nothing is written that the broker was not told of; the position is never
 * ahead of what is written; every offset is written in blocks of always the same bounds; all are committed in the end.
 */
test('whatever happens in whatever order, a block is known before it is written and written before it is passed', () => {
  const action = fc.constantFrom('seal', 'write', 'written', 'send', 'answer', 'die', 'die_unanswered');
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 120 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
      (actions, sizes) => {
        const broker = { offset: 0, from: 0, blocks: [] as readonly PlannedBlock[] };
        const boundsOf = new Map<number, number>();
        const written = new Set<number>();
        let line = new BlockLine<TestBlock>(true, FRESH);
        let toReform: PlannedBlock[] = [];
        let end = 0;
        let sent: CommitStep<TestBlock> | undefined;
        let writing: TestBlock | undefined;
        const take = (step: CommitStep<TestBlock>): void => {
          for (let offset = 0; offset < step.nextOffset; offset++) expect(written.has(offset)).toBe(true);
          Object.assign(broker, { offset: step.nextOffset, ...step.plan });
        };
        for (const what of actions) {
          if (what === 'seal') {
            const planned = toReform.shift();
            const size = sizes.next().value as number;
            const sealed = planned === undefined ? block(end, end + size - 1) : { planned };
            end = sealed.planned.lastOffset + 1;
            line.add(sealed);
          } else if (what === 'write' && writing === undefined) {
            writing = line.nextToWrite();
            if (writing === undefined) continue;
            const { firstOffset, lastOffset } = writing.planned;
            expect(broker.blocks.map((known) => known.firstOffset)).toContain(firstOffset);
            expect(boundsOf.get(firstOffset) ?? lastOffset).toBe(lastOffset);
            boundsOf.set(firstOffset, lastOffset);
          } else if (what === 'written' && writing !== undefined) {
            const { firstOffset, lastOffset } = writing.planned;
            for (let offset = firstOffset; offset <= lastOffset; offset++) written.add(offset);
            line.markWritten(writing);
            writing = undefined;
          } else if (what === 'send' && sent === undefined) {
            sent = line.nextCommit(closedAt(end));
          } else if (what === 'answer' && sent !== undefined) {
            take(sent);
            line.acknowledged(sent);
            sent = undefined;
          } else if (what === 'die' || what === 'die_unanswered') {
            if (what === 'die_unanswered' && sent !== undefined) take(sent);
            line = new BlockLine(true, { committedOffset: broker.offset, toReform: broker.blocks });
            toReform = [...broker.blocks];
            end = broker.from;
            sent = undefined;
            writing = undefined;
          }
        }
        const bounds = [...boundsOf].sort(([a], [b]) => a - b);
        for (const [i, [first]] of bounds.entries()) {
          if (i > 0) expect(first).toBe((bounds[i - 1]?.[1] as number) + 1);
        }
      },
    ),
    { numRuns: 400 },
  );
});
