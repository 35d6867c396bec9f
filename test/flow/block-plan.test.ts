import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type BlockPlan,
  decodePlan,
  encodePlan,
  MAX_METADATA_BYTES,
  MAX_PLANNED_BLOCKS,
} from '../../src/flow/block-plan.ts';

const PLAN: BlockPlan = {
  from: 100,
  blocks: [
    {
      firstOffset: 100,
      lastOffset: 199,
      records: 90,
      firstRecordOffset: 103,
      firstTimestampMs: 1_700_000_000_000,
      revision: 7,
    },
  ],
};

test('a plan is JSON that says its format, where blocks begin, and each block', () => {
  expect(encodePlan(PLAN)).toBe('{"spanweir":1,"from":100,"blocks":[[100,199,90,103,1700000000000,7]]}');
  expect(decodePlan(encodePlan(PLAN))).toEqual(PLAN);
});

test('a release that added something which the format allows is understood', () => {
  const metadata = '{"spanweir":1,"from":100,"blocks":[[100,199,90,103,1700000000000,7]],"note":"x"}';
  expect(decodePlan(metadata)).toEqual(PLAN);
});

test("a format that counts higher is another release's, to be left alone", () => {
  expect(decodePlan('{"spanweir":2,"whatever":[]}')).toBe('newer');
});

test.each([
  null,
  '',
  'checkpoint 7',
  '{',
  '{}',
  '[]',
  '{"spanweir":1}',
  '{"spanweir":1,"from":"0","blocks":[]}',
  '{"spanweir":1,"from":0,"blocks":[[0,9,10,0,1]]}',
  '{"spanweir":1,"from":0,"blocks":[[5,9,10,5,1,1]]}',
  '{"spanweir":1,"from":0,"blocks":[[0,9,10,0,1,1],[11,12,2,11,1,1]]}',
  '{"spanweir":1,"from":0,"blocks":[[0,-1,0,-1,0,1]]}',
])('what is not a plan of ours is none: %s', (metadata) => {
  expect(decodePlan(metadata)).toBe('none');
});

test('the largest plan fits into what a broker takes', () => {
  const largest = Number.MAX_SAFE_INTEGER;
  const blocks = Array.from({ length: MAX_PLANNED_BLOCKS }, () => ({
    firstOffset: largest,
    lastOffset: largest,
    records: 0xffff_ffff,
    firstRecordOffset: largest,
    firstTimestampMs: 8_640_000_000_000_000,
    revision: 0xffff_ffff,
  }));
  expect(encodePlan({ from: largest, blocks }).length).toBeLessThanOrEqual(MAX_METADATA_BYTES);
});

test('no metadata makes the decoder throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (metadata) => {
      expect(['none', 'newer', 'object']).toContain(
        typeof decodePlan(metadata) === 'string' ? decodePlan(metadata) : 'object',
      );
    }),
  );
});
