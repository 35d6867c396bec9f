import { expect, it } from 'vitest';
import { chooseTopics } from '../../../src/receivers/kafka/topics.ts';

const existing = ['spans-a', 'spans-b', 'spans-test', 'logs', '__consumer_offsets'];

it('matches patterns anywhere after their start and leaves out what is excluded', () => {
  expect(chooseTopics({ topics: ['^spans-'], exclude: ['test$'] }, existing)).toEqual({
    topics: ['spans-a', 'spans-b'],
    missing: [],
  });
});

it('names the topics that do not exist', () => {
  expect(chooseTopics({ topics: ['logs', 'gone'], exclude: [] }, existing)).toEqual({
    topics: ['logs'],
    missing: ['gone'],
  });
});

it("never matches Kafka's own topics", () => {
  expect(chooseTopics({ topics: ['^.*'], exclude: [] }, existing).topics).not.toContain('__consumer_offsets');
});
