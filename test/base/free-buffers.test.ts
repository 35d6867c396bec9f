import { expect, it } from 'vitest';
import { freeBuffers } from '../../src/base/free-buffers.ts';

it('gives memory back without a collection, however often', () => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let i = 0; i < 100; i++) {
    const [one, other] = [new Float64Array(100_000).fill(1), new Uint8Array(200_000)];
    freeBuffers([one.buffer, other.buffer]);
    expect([one.length, other.length]).toEqual([0, 0]);
    most = Math.max(most, process.memoryUsage().arrayBuffers);
  }
  expect(most - before).toBeLessThan(5_000_000);
});

it('takes no buffers, and empty ones', () => {
  expect(() => freeBuffers([])).not.toThrow();
  expect(() => freeBuffers([new ArrayBuffer(0)])).not.toThrow();
});
