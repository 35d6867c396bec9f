import { describe, expect, test } from 'vitest';
import { readReplayOptions } from '../../../src/app/replay/options.ts';
import { wholeDays } from '../../../src/app/replay/recompute.ts';

const NOW = Date.UTC(2026, 4, 10, 12);
const DAY = 86_400_000;
const MAY = Date.UTC(2026, 4, 1) / DAY;

function read(values: Record<string, string | boolean | readonly string[]>) {
  return readReplayOptions({ values, positionals: [] }, NOW);
}

describe('the place to begin or end', () => {
  test.each([
    ['17', { kind: 'offset', offset: 17 }],
    ['2h', { kind: 'time', ms: NOW - 7_200_000 }],
    ['2026-05-01', { kind: 'time', ms: Date.UTC(2026, 4, 1) }],
    ['2026-05-01T12:00:00Z', { kind: 'time', ms: Date.UTC(2026, 4, 1, 12) }],
    ['2026-05-01 12:00:00.5+02:00', { kind: 'time', ms: Date.UTC(2026, 4, 1, 10, 0, 0, 500) }],
  ])('%s is understood', (text, place) => {
    expect(read({ from: text }).from).toEqual(place);
  });

  test.each(['yesterday', '-2h', '2026-13-01', '12:00', '1.5', ''])('%j is refused', (text) => {
    expect(() => read({ from: text })).toThrow('--from');
  });

  test('has to come before the other', () => {
    expect(() => read({ from: '20', to: '20' })).toThrow('--from has to come before --to');
    expect(() => read({ from: '1h', to: '2h' })).toThrow('--from has to come before --to');
  });
});

test('partitions are numbers, and there may be several', () => {
  expect(read({ partition: ['0', '12'] }).partitions).toEqual([0, 12]);
  expect(() => read({ partition: ['x'] })).toThrow('--partition x');
});

describe('--revision', () => {
  test.each(['1', 'current'])('may be %s', (revision) => {
    const { revision: read_ } = read({ revision, from: '2026-05-01' });
    expect(String(read_)).toBe(revision);
  });

  test('takes days only, and all of them', () => {
    expect(() => read({ revision: 'current' })).toThrow('--revision needs --from');
    expect(() => read({ revision: 'current', from: '5' })).toThrow('whole days');
    expect(() => read({ revision: 'current', from: '48h', topic: 't' })).toThrow('all topics');
    expect(() => read({ revision: 'new', from: '48h' })).toThrow('--revision new');
  });

  test('means the whole days in the range that are over', () => {
    const days = (from: string, to?: string) =>
      wholeDays(read({ revision: 'current', from, ...(to === undefined ? {} : { to }) }), NOW);
    expect(days('2026-05-08')).toEqual([MAY + 7, MAY + 8]);
    expect(days('2026-05-01', '2026-05-03')).toEqual([MAY, MAY + 1]);
    expect(days('2026-05-01T00:00:01Z', '2026-05-03T23:59:59Z')).toEqual([MAY + 1]);
    expect(() => days('2026-05-10')).toThrow('whole days');
    expect(() => days('12h')).toThrow('whole days');
  });
});
