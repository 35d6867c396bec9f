import { expect, test } from 'vitest';
import { FetchTurns, keepTurns } from '../../src/kafka/fetch-turns.ts';

const TOPICS = [
  { topic: 'a', partitions: [0, 1, 10, 2] },
  { topic: 'b', partitions: [0, 1] },
];

function part(topic: string, partition: number, sentBytes: number) {
  return { topic, partition, bytes: { sentBytes } };
}

test('a fetch begins behind the last partition that had something', () => {
  const turns = new FetchTurns();
  expect(turns.inTurn(1, TOPICS)).toEqual(TOPICS);
  turns.answered(1, [part('a', 0, 100), part('a', 1, 20), part('a', 10, 0), part('a', 2, 0)]);
  expect(turns.inTurn(1, TOPICS)).toEqual([
    { topic: 'a', partitions: [10, 2, 0, 1] },
    { topic: 'b', partitions: [0, 1] },
  ]);
});

test('behind the last partition of a topic comes the next topic, and behind the last topic the first', () => {
  const turns = new FetchTurns();
  turns.answered(1, [part('a', 2, 100)]);
  expect(turns.inTurn(1, TOPICS).map(({ topic }) => topic)).toEqual(['b', 'a']);
  turns.answered(1, [part('b', 1, 100), part('a', 0, 0)]);
  expect(turns.inTurn(1, TOPICS)).toEqual(TOPICS);
});

test('an answer without anything changes no turn, each broker has its own, and those of partitions that went are over', () => {
  const turns = new FetchTurns();
  turns.answered(1, [part('a', 1, 100)]);
  turns.answered(1, [part('a', 10, 0)]);
  expect(turns.inTurn(1, TOPICS)[0]?.partitions).toEqual([10, 2, 0, 1]);
  expect(turns.inTurn(2, TOPICS)).toEqual(TOPICS);
  expect(turns.inTurn(1, [{ topic: 'b', partitions: [0] }])).toEqual([{ topic: 'b', partitions: [0] }]);
  expect(turns.inTurn(1, [{ topic: 'a', partitions: [5, 6] }])).toEqual([{ topic: 'a', partitions: [5, 6] }]);
  turns.forget();
  expect(turns.inTurn(1, TOPICS)).toEqual(TOPICS);
});

test('only the partitions of a fetch keep their order', () => {
  const inOrder = keepTurns((list) => [...list].reverse());
  const toFetch = [
    { topic: 'a', partition: { partition: 1 } },
    { topic: 'a', partition: { partition: 0 } },
  ];
  expect(inOrder(toFetch)).toEqual(toFetch);
  expect(inOrder(['1', '2'])).toEqual(['2', '1']);
  expect(inOrder([{ nodeId: 1 }, { nodeId: 2 }])).toEqual([{ nodeId: 2 }, { nodeId: 1 }]);
});
