import { describe, expect, test } from 'vitest';
import { progressLine } from '../../../src/app/replay/progress.ts';
import { moved } from '../../../src/app/replay/scratch.ts';
import { sortOut } from '../../../src/app/replay/survey.ts';
import { textTable } from '../../../src/app/replay/table.ts';
import { finished } from '../../../src/app/replay/topic-view.ts';
import { encodePlan } from '../../../src/flow/block-plan.ts';

const view = {
  topic: 't',
  partition: 0,
  low: 10,
  high: 100,
  finishedBelow: 80,
  note: undefined,
  committed: { offset: 80, metadata: null },
};

test('every offset that is asked for is in one place only', () => {
  const { there, gone, untold, missing, live } = sortOut(
    view,
    [{ first: 0, last: 99 }],
    [
      { first: 5, last: 6 },
      { first: 30, last: 39 },
      { first: 75, last: 84 },
    ],
    20,
  );
  expect(there).toEqual([
    { first: 5, last: 6 },
    { first: 30, last: 39 },
    { first: 75, last: 84 },
  ]);
  expect(gone).toEqual([
    { first: 0, last: 4 },
    { first: 7, last: 9 },
  ]);
  expect(untold).toEqual([{ first: 10, last: 19 }]);
  expect(missing).toEqual([
    { first: 20, last: 29 },
    { first: 40, last: 74 },
  ]);
  expect(live).toEqual([{ first: 85, last: 99 }]);
});

describe('what the live engine has finished', () => {
  const block = {
    firstOffset: 40,
    lastOffset: 59,
    records: 20,
    firstRecordOffset: 40,
    firstTimestampMs: 1,
    revision: 1,
  };

  test('ends where its planned blocks begin', () => {
    const metadata = encodePlan({ from: 40, blocks: [block] });
    expect(finished(42, metadata, 'g')).toEqual({
      finishedBelow: 40,
      note: "1 planned block is the engine's",
    });
    expect(finished(40, encodePlan({ from: 40, blocks: [] }), 'g')).toEqual({
      finishedBelow: 40,
      note: undefined,
    });
  });

  test('is nothing where the group has no position, or a plan that can not be read', () => {
    expect(finished(-1, null, 'g').finishedBelow).toBe(0);
    expect(finished(50, '{"spanweir":99}', 'g').finishedBelow).toBe(0);
  });

  test('is all below the offset that another tool has committed', () => {
    expect(finished(50, '', 'g')).toEqual({ finishedBelow: 50, note: undefined });
  });
});

test('the line of progress tells how far, how fast and how long still', () => {
  const tally = {
    records: 25,
    spans: 2_000_000,
    blocks: 1,
    quarantined: 0,
    refused: 0,
    completed: 0,
    doubts: [],
  };
  expect(progressLine(tally, 100, 10_000)).toBe(
    '[######------------------] 25 %  2,000,000 spans  200,000 spans/s  about 30s left',
  );
});

test('a view over the scratch reads its tables and leaves other names as they are', () => {
  const select =
    'SELECT a.x, `default`.otel_traces.y FROM default.otel_traces AS a WHERE z = my_default.otel_traces';
  expect(moved(select, 'default', 'scratch')).toBe(
    'SELECT a.x, `scratch`.otel_traces.y FROM `scratch`.otel_traces AS a WHERE z = my_default.otel_traces',
  );
});

test('tables for people have their numbers to the right', () => {
  expect(
    textTable(
      ['topic', 'n', ''],
      [
        ['a', '1,000', 'x'],
        ['bcd', '2', ''],
      ],
    ),
  ).toEqual(['topic      n', '-----  -----', 'a      1,000  x', 'bcd        2']);
});
