import { expect, test } from 'vitest';
import type { SourceRecord } from '../../src/flow/intake.ts';
import { settle } from './fake-clock.ts';
import { FlowHarness } from './harness.ts';

/** A record that the scanner refuses. */
function poison(offset: number, bytes: number): SourceRecord {
  return { offset, timestampMs: 1000, key: null, value: Buffer.alloc(bytes, 0xff) };
}

test('records that are put aside count as memory until they are safe: who offers more waits', async () => {
  const harness = new FlowHarness({ maxSpans: 1000, maxBytes: 1 << 20, lingerMs: 100 }, 10_000);
  let isSafe = (): void => {};
  const safe = new Promise<void>((resolve) => {
    isSafe = resolve;
  });
  const partition = harness.intake.openPartition({
    clusterId: 'c',
    topic: 't',
    partition: 0,
    revision: 1,
    encoding: 'otlp_proto',
    position: { offset: 0, metadata: null },
    mayBegin: () => true,
    commit: async () => 'committed',
    quarantine: () => safe,
  });
  await partition.offer([poison(0, 6000)]);
  let hasRoom = false;
  const offered = partition.offer([poison(1, 6000)]).then(() => {
    hasRoom = true;
  });
  await settle();
  for (const write of harness.writes) write.succeed();
  await settle();
  expect(harness.budget.usedBytes).toBe(12_000);
  expect(hasRoom).toBe(false);
  isSafe();
  await offered;
  expect(harness.budget.usedBytes).toBe(0);
});
