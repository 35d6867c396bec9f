import { describe, expect, it } from 'vitest';
import { type UnpackLease, UnpackMemory } from '../../src/kafka/unpack-memory.ts';

const MIB = 1 << 20;

function kept(lease: UnpackLease, bytes: number): Buffer {
  const reserved = lease.reserve(bytes);
  lease.keep(bytes);
  return reserved;
}

describe('memory for what is unpacked', () => {
  it('puts what is kept one behind the other, and gives the rest of what was reserved away again', () => {
    const lease = new UnpackMemory().lease();
    const first = lease.reserve(1000);
    lease.keep(10);
    const second = kept(lease, 1000);
    expect(second.buffer).toBe(first.buffer);
    expect(second.byteOffset).toBe(first.byteOffset + 10);
  });

  it('is used again when the last of those who read it has released it', () => {
    const memory = new UnpackMemory();
    const [one, other] = [memory.lease(), memory.lease()];
    const first = kept(one, 600_000);
    expect(kept(other, 400_000).buffer).toBe(first.buffer);
    const next = memory.lease();
    expect(kept(next, 600_000).buffer).not.toBe(first.buffer);
    one.release();
    one.release();
    expect(kept(next, 600_000).buffer).not.toBe(first.buffer);
    other.release();
    expect(kept(next, 600_000).buffer).toBe(first.buffer);
  });

  it('is never written over under a lease that was not released', () => {
    const memory = new UnpackMemory();
    const read = kept(memory.lease(), 100).fill(7);
    for (let i = 0; i < 50; i++) {
      const lease = memory.lease();
      kept(lease, 300_000).fill(i);
      lease.release();
    }
    expect(read.every((byte) => byte === 7)).toBe(true);
  });

  it('takes batches of any size, and keeps 32 MiB at most, no larger one among them', () => {
    const memory = new UnpackMemory();
    const large = memory.lease();
    const seen = new Set(Array.from({ length: 40 }, () => kept(large, MIB).buffer));
    expect(kept(large, 40 * MIB)).toHaveLength(40 * MIB);
    large.release();
    const again = memory.lease();
    const reused = Array.from({ length: 64 }, () => kept(again, MIB).buffer).filter((buffer) =>
      seen.has(buffer),
    );
    expect(reused).toHaveLength(32);
  });
});
