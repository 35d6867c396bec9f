import { expect, test } from 'vitest';
import { Polls } from '../../../src/extensions/remote-sampling/polls.ts';

test('polls are counted per service, the last first', () => {
  const polls = new Polls();
  polls.record('a', 'http', 'node', 1);
  polls.record('b', 'grpc', 'okhttp', 2);
  polls.record('a', 'http', 'Go-http-client/1.1', 3);
  expect(polls.list()).toEqual([
    { service: 'a', polls: 2, lastPollMs: 3, userAgent: 'Go-http-client/1.1', transport: 'http' },
    { service: 'b', polls: 1, lastPollMs: 2, userAgent: 'okhttp', transport: 'grpc' },
  ]);
});

test('the service that was silent longest makes room', () => {
  const polls = new Polls(2);
  for (const [i, service] of ['a', 'b', 'a', 'c'].entries()) polls.record(service, 'http', '', i);
  expect(polls.list().map(({ service }) => service)).toEqual(['c', 'a']);
});

test('names that nobody would choose are not kept', () => {
  const polls = new Polls();
  polls.record('x'.repeat(1000), 'http', '', 1);
  expect(polls.list()).toEqual([]);
});
