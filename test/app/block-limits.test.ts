import { expect, test } from 'vitest';
import { blockLimits } from '../../src/app/block-limits.ts';

const settings = { maxSpans: 65_536, maxBytes: 1 << 20, lingerMs: 1000, maxInFlightBytes: 1 << 24 };
const sink = (spans: number, lingerMs: number) => ({ blockWish: { spans, lingerMs } });

test('the largest wish decides, within what the settings allow', () => {
  const sinks = [sink(10_000, 20), sink(50_000, 2000), sink(0, 0)];
  expect(blockLimits(settings, sinks)).toEqual({ maxSpans: 50_000, maxBytes: 1 << 20, lingerMs: 1000 });
  expect(blockLimits({ ...settings, maxSpans: 500 }, sinks).maxSpans).toBe(500);
});

test('sinks that do not care get blocks that are worth their cost, without waiting', () => {
  const limits = { maxSpans: 10_000, maxBytes: 1 << 20, lingerMs: 0 };
  expect(blockLimits(settings, [sink(0, 0), sink(0, 0)])).toEqual(limits);
  expect(blockLimits(settings, [])).toEqual(limits);
});
