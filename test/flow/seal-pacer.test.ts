import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PacedPartition, SealPacer, sealsPerSecond, toRelieve } from '../../src/flow/seal-pacer.ts';
import { FlowHarness, record } from './harness.ts';

const LINGER_MS = 1000;
const TICK_MS = 25;

/** A partition into which something comes at all times, so that the next block is opened when one is sealed. */
class BusyPartition implements PacedPartition {
  lingersSinceMs: number | undefined = 0;
  openBytes = 0;
  unwrittenBlocks = 0;
  uncommittedBlocks = 0;
  readonly sealedMs: number[] = [];

  seal(nowMs: number): void {
    this.sealedMs.push(nowMs);
    this.lingersSinceMs = nowMs;
  }
}

function busyPartitions(count: number): Set<BusyPartition> {
  return new Set(Array.from({ length: count }, () => new BusyPartition()));
}

/** Ticks for a minute, and returns how long each block was open, of those that were sealed after a while. */
function runAMinute(partitions: ReadonlySet<BusyPartition>): { blocks: number; longestOpenMs: number } {
  const pacer = new SealPacer();
  for (let nowMs = 0; nowMs <= 60_000; nowMs += TICK_MS) {
    for (const partition of pacer.due(partitions, { nowMs, lingerMs: LINGER_MS })) partition.seal(nowMs);
  }
  const opens = [...partitions].flatMap(({ sealedMs }) =>
    sealedMs.slice(1).map((atMs, i) => atMs - (sealedMs[i] as number)),
  );
  const blocks = [...partitions].reduce((sum, { sealedMs }) => sum + sealedMs.length, 0);
  return { blocks, longestOpenMs: Math.max(...opens) };
}

function partition(given: Partial<PacedPartition>): PacedPartition {
  return { lingersSinceMs: 0, openBytes: 0, unwrittenBlocks: 0, uncommittedBlocks: 0, ...given };
}

describe('under steady load', () => {
  test.each([
    { count: 1, perSecond: 1, openMs: 1100 },
    { count: 8, perSecond: 3, openMs: 3000 },
    { count: 64, perSecond: 12, openMs: 6000 },
    { count: 256, perSecond: 30, openMs: 9000 },
  ])(
    '$count partitions make at most $perSecond blocks a second, each open for at most $openMs ms',
    (limit) => {
      const { blocks, longestOpenMs } = runAMinute(busyPartitions(limit.count));
      expect(blocks / 60).toBeLessThanOrEqual(limit.perSecond);
      expect(longestOpenMs).toBeLessThanOrEqual(limit.openMs);
    },
  );

  test('the rate grows with the partitions, but slower than their number', () => {
    expect([1, 8, 64, 256].map((count) => sealsPerSecond(count).toFixed(1))).toEqual([
      '2.8',
      '2.8',
      '11.5',
      '29.6',
    ]);
  });
});

test('a block that comes alone is sealed when it has waited for the linger, however many partitions there are', () => {
  const pacer = new SealPacer();
  const lone = partition({ lingersSinceMs: 5000 });
  const others = Array.from({ length: 255 }, () => partition({ lingersSinceMs: undefined }));
  const all = new Set([...others, lone]);
  expect(pacer.due(all, { nowMs: 5975, lingerMs: LINGER_MS })).toEqual([]);
  expect(pacer.due(all, { nowMs: 6000, lingerMs: LINGER_MS })).toEqual([lone]);
});

test('the oldest block comes first', () => {
  const [old, older, young] = [300, 100, 400].map((lingersSinceMs) => partition({ lingersSinceMs }));
  const all = new Set([old, older, young] as PacedPartition[]);
  expect(new SealPacer().due(all, { nowMs: 5000, lingerMs: LINGER_MS })[0]).toBe(older);
});

test('after a pause eight blocks are sealed at once and no more, so that a takeover is quick', () => {
  const pacer = new SealPacer();
  const at = { nowMs: 10_000, lingerMs: LINGER_MS };
  expect(pacer.due(new Set(Array.from({ length: 20 }, () => partition({}))), at)).toHaveLength(8);
  expect(pacer.due(new Set(Array.from({ length: 20 }, () => partition({}))), at)).toEqual([]);
});

test('without a linger nothing waits for its turn', () => {
  const all = busyPartitions(20);
  expect(new SealPacer().due(all, { nowMs: 0, lingerMs: 0 })).toHaveLength(20);
});

test('no block is sealed by the clock while eight of the lane are unwritten, so that they grow instead', () => {
  const writing = Array.from({ length: 7 }, () =>
    partition({ lingersSinceMs: undefined, unwrittenBlocks: 1, uncommittedBlocks: 1 }),
  );
  const waiting = partition({});
  const at = { nowMs: 5000, lingerMs: LINGER_MS };
  expect(new SealPacer().due(new Set([...writing, waiting]), at)).toEqual([waiting]);
  const eighth = partition({ lingersSinceMs: undefined, unwrittenBlocks: 1, uncommittedBlocks: 1 });
  expect(new SealPacer().due(new Set([...writing, eighth, waiting]), at)).toEqual([]);
});

test('partitions that wait for something else than the sinks keep theirs back, and no others', () => {
  const held = Array.from({ length: 20 }, () => partition({ uncommittedBlocks: 2 }));
  const healthy = partition({ lingersSinceMs: 3000 });
  const all = new Set([...held, healthy]);
  expect(new SealPacer().due(all, { nowMs: 5000, lingerMs: LINGER_MS })).toEqual([healthy]);
  expect(toRelieve(all)).toEqual([healthy]);
});

test('what is sealed for memory is the largest, and no more than can be written soon', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          lingersSinceMs: fc.option(fc.nat(1000), { nil: undefined }),
          openBytes: fc.nat(1000),
          unwrittenBlocks: fc.nat(2),
        }),
        { maxLength: 40 },
      ),
      (given) => {
        const all = given.map((one) => partition({ ...one, uncommittedBlocks: one.unwrittenBlocks }));
        const sealed = toRelieve(new Set(all));
        const unwritten = given.reduce((sum, { unwrittenBlocks }) => sum + unwrittenBlocks, 0);
        expect(sealed.length).toBeLessThanOrEqual(Math.max(0, 8 - unwritten));
        const smallest = Math.min(...sealed.map(({ openBytes }) => openBytes));
        const kept = all.filter((one) => !sealed.includes(one));
        const couldBe = kept.filter((one) => one.lingersSinceMs !== undefined && one.uncommittedBlocks < 2);
        if (sealed.length < 8 - unwritten) expect(couldBe).toEqual([]);
        else
          for (const { openBytes } of couldBe)
            if (sealed.length > 0) expect(openBytes <= smallest).toBe(true);
      },
    ),
  );
});

test('while the sink is slow, blocks of many partitions grow instead of waiting in line', async () => {
  const harness = new FlowHarness({ maxSpans: 10_000, maxBytes: 1 << 20, lingerMs: 100 });
  const lane = Array.from({ length: 64 }, (_, p) => harness.openPartition({ offset: 0, metadata: null }, p));
  for (let offset = 0; offset < 20; offset++) {
    for (const one of lane) await one.offer([record(offset)]);
    await harness.clock.advance(500);
  }
  // Four are being written, four wait; the other partitions' blocks hold all that has come.
  expect(harness.writes).toHaveLength(4);
  for (let i = 0; i < 68; i++) {
    harness.writes[i]?.succeed();
    await harness.clock.advance(100);
  }
  const sizes = harness.writes.map(({ spans }) => spans).sort((a, b) => a - b);
  expect(sizes.slice(-56)).toEqual(Array.from({ length: 56 }, () => 20));
});
