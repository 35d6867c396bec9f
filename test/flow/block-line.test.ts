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

/** A partition, its broker and the owners that come one after the other, with the laws checked at each step. */
class Life {
  readonly #broker = { offset: 0, from: 0, blocks: [] as readonly PlannedBlock[] };
  readonly #boundsOf = new Map<number, number>();
  readonly #written = new Set<number>();
  readonly #sizes: Iterator<number>;
  #line = new BlockLine<TestBlock>(true, FRESH);
  #toReform: PlannedBlock[] = [];
  #end = 0;
  #sent: CommitStep<TestBlock> | undefined;
  #writing: TestBlock | undefined;

  constructor(sizes: Iterator<number>) {
    this.#sizes = sizes;
  }

  /** Bounds of all blocks that were ever written, in order. */
  get bounds(): [number, number][] {
    return [...this.#boundsOf].sort(([a], [b]) => a - b);
  }

  seal(): void {
    const planned = this.#toReform.shift();
    const size = this.#sizes.next().value as number;
    const sealed = planned === undefined ? block(this.#end, this.#end + size - 1) : { planned };
    this.#end = sealed.planned.lastOffset + 1;
    this.#line.add(sealed);
  }

  /** Only of what the broker was told, and of always the same bounds. */
  write(): void {
    if (this.#writing !== undefined) return;
    this.#writing = this.#line.nextToWrite();
    if (this.#writing === undefined) return;
    const { firstOffset, lastOffset } = this.#writing.planned;
    expect(this.#broker.blocks.map((known) => known.firstOffset)).toContain(firstOffset);
    expect(this.#boundsOf.get(firstOffset) ?? lastOffset).toBe(lastOffset);
    this.#boundsOf.set(firstOffset, lastOffset);
  }

  written(): void {
    if (this.#writing === undefined) return;
    const { firstOffset, lastOffset } = this.#writing.planned;
    for (let offset = firstOffset; offset <= lastOffset; offset++) this.#written.add(offset);
    this.#line.markWritten(this.#writing);
    this.#writing = undefined;
  }

  send(): void {
    this.#sent ??= this.#line.nextCommit(closedAt(this.#end));
  }

  answer(): void {
    if (this.#sent === undefined) return;
    this.#take(this.#sent);
    this.#line.acknowledged(this.#sent);
    this.#sent = undefined;
  }

  /** The next owner begins with what the broker has. */
  die(): void {
    this.#line = new BlockLine(true, { committedOffset: this.#broker.offset, toReform: this.#broker.blocks });
    this.#toReform = [...this.#broker.blocks];
    this.#end = this.#broker.from;
    this.#sent = undefined;
    this.#writing = undefined;
  }

  dieUnanswered(): void {
    if (this.#sent !== undefined) this.#take(this.#sent);
    this.die();
  }

  /** The position is never ahead of what is written. */
  #take(step: CommitStep<TestBlock>): void {
    for (let offset = 0; offset < step.nextOffset; offset++) expect(this.#written.has(offset)).toBe(true);
    Object.assign(this.#broker, { offset: step.nextOffset, ...step.plan });
  }
}

test('whatever happens in whatever order, a block is known before it is written and written before it is passed', () => {
  const deed = fc.constantFrom('seal', 'write', 'written', 'send', 'answer', 'die', 'dieUnanswered');
  const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 5 }));
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 120 }), sizes, (deeds, stream) => {
      const life = new Life(stream);
      for (const what of deeds) life[what]();
      const { bounds } = life;
      for (const [i, [first]] of bounds.entries()) {
        if (i > 0) expect(first).toBe((bounds[i - 1]?.[1] as number) + 1);
      }
    }),
    { numRuns: 400 },
  );
});
