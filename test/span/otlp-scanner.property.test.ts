import { describe, expect, it } from 'vitest';
import { Differential } from './differential.ts';
import { makePayload, mutate, randomFrom } from './random-payloads.ts';

describe('the scanner against protobufjs', () => {
  it('agrees on generated requests, whatever bytes lie around them', () => {
    const random = randomFrom(11);
    const differential = new Differential();
    for (let i = 0; i < 1000; i++) expect(differential.check(makePayload(random))).toBe('accepted');
  });

  // About 3 s of CPU, which may be long on a busy machine.
  it('agrees or refuses with its one error on 50,000 damaged requests', () => {
    const random = randomFrom(12);
    const differential = new Differential();
    const payloads = Array.from({ length: 300 }, () => makePayload(random));
    const verdicts = new Map<string, number>();
    for (let i = 0; i < 50_000; i++) {
      const payload = payloads[i % payloads.length] as Buffer;
      const other = payloads[(i * 7 + 1) % payloads.length] as Buffer;
      const verdict = differential.check(mutate(random, payload, other));
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
    // Both outcomes are common, or the test would say little.
    expect(verdicts.get('accepted')).toBeGreaterThan(5000);
    expect(verdicts.get('truncated')).toBeGreaterThan(50);
    expect(verdicts.get('length_out_of_range')).toBeGreaterThan(1000);
    expect(verdicts.get('wrong_wire_type')).toBeGreaterThan(50);
    expect(verdicts.get('group')).toBeGreaterThan(50);
  }, 120_000);
});
