import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { traceIdVariate, type VariateKind } from '../../../src/sampling/roots/trace-id-variate.ts';
import { SeededRandom } from '../../../src/sampling/simulator/random.ts';
import { boundOf, drawTraceId, keeps, variateKindOf } from '../../../src/sampling/simulator/sdk-rules.ts';

const KINDS: readonly VariateKind[] = [
  'go_rust',
  'java',
  'python',
  'js',
  'dotnet',
  'jaeger_client_go',
  'otel_consistent',
];

function wordsOf(hex: string): Uint32Array {
  return Uint32Array.from({ length: 4 }, (_, i) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16));
}

function bytesOf(words: Uint32Array): Uint8Array {
  const bytes = Buffer.alloc(16);
  for (const [i, word] of words.entries()) bytes.writeUInt32BE(word, i * 4);
  return bytes;
}

function isKept(kind: VariateKind, hex: string, p: number): boolean {
  const { hi, lo } = boundOf(kind, p);
  return keeps(kind, wordsOf(hex), hi, lo);
}

/** As in the vectors of Jaeger's report, section 6: the variate of each SDK. */
const VARIATES: readonly (readonly [hex: string, Readonly<Record<VariateKind, number>>])[] = [
  [
    '4bf92f3577b34da6a3ce929d0e0e4736',
    {
      go_rust: 0.6398707993922069,
      java: 0.7202584012155862,
      python: 0.6398707993922069,
      js: 0.5685228837115045,
      dotnet: 0.5935420046875158,
      jaeger_client_go: 0.27974159878441385,
      otel_consistent: 0.1930753555950303,
    },
  ],
  [
    '463ac35c9f6413ad48485a3953bb6124',
    {
      go_rust: 0.2823540105780302,
      java: 0.5647080211560604,
      python: 0.2823540105780302,
      js: 0.7604663327244264,
      dotnet: 0.5486683084734812,
      jaeger_client_go: 0.5647080211560604,
      otel_consistent: 0.7173732920242588,
    },
  ],
];

describe.each(KINDS)('%s', (kind) => {
  test.each(VARIATES)('keeps the trace %s from its variate on', (hex, variates) => {
    expect(isKept(kind, hex, variates[kind] - 1e-9)).toBe(false);
    expect(isKept(kind, hex, variates[kind] + 1e-9)).toBe(true);
  });

  test('keeps everything with probability 1 and nothing with 0', () => {
    for (const hex of [
      'fffffffffffffffefffffffffffffffe',
      '00000000000000000000000000000001',
      '4bf92f3577b34da6a3ce929d0e0e4736',
    ])
      expect([isKept(kind, hex, 1), isKept(kind, hex, 0)]).toEqual([true, false]);
  });

  test('draws ids of an octave with variates of that octave alone', () => {
    const random = new SeededRandom(7);
    const words = new Uint32Array(4);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 29 }), fc.boolean(), (octave, isLast) => {
        drawTraceId(kind, random, words, octave, isLast);
        const u = traceIdVariate(kind, bytesOf(words), 0);
        expect(u).toBeLessThanOrEqual(2 ** -octave * (1 + 1e-9));
        expect(u).toBeGreaterThanOrEqual(isLast ? 0 : 2 ** -(octave + 1) * (1 - 1e-9));
      }),
      { numRuns: 500 },
    );
  });

  test('draws the upper and the lower half of an octave alike', () => {
    const random = new SeededRandom(3);
    const words = new Uint32Array(4);
    let upper = 0;
    for (let i = 0; i < 4000; i++) {
      drawTraceId(kind, random, words, 6, false);
      if (traceIdVariate(kind, bytesOf(words), 0) >= 0.75 * 2 ** -6) upper += 1;
    }
    // 4 sigma of 4000 tosses.
    expect(Math.abs(upper - 2000)).toBeLessThan(127);
  });
});

describe('bounds', () => {
  test('are the whole numbers that the SDKs make of a probability', () => {
    expect(boundOf('js', 0.5)).toEqual({ hi: 0, lo: 2_147_483_647 });
    expect(boundOf('js', 1)).toEqual({ hi: 1, lo: 0 });
    expect(boundOf('go_rust', 0.5)).toEqual({ hi: 2 ** 30, lo: 0 });
    expect(boundOf('java', 1)).toEqual({ hi: 0x7fffffff, lo: 0xffffffff });
    expect(boundOf('python', 0.25)).toEqual({ hi: 2 ** 30, lo: 0 });
    expect(boundOf('python', 1.5 * 2 ** -64)).toEqual({ hi: 0, lo: 2 });
    expect(boundOf('otel_consistent', 0.01)).toEqual({ hi: 0xfd70a3, lo: 0xd70a3d70 });
  });

  test('the smallest signed number has a negative magnitude in Java: it is kept by any bound', () => {
    expect(isKept('java', '00000000000000008000000000000000', 1e-6)).toBe(true);
  });
});

test('spans that carry a threshold are sampled by the rule of thresholds, others by that of their SDK', () => {
  expect(variateKindOf({ sdk: 'java', tags: 'otel' })).toBe('otel_consistent');
  expect(variateKindOf({ sdk: 'java', tags: 'none' })).toBe('java');
  expect(variateKindOf({ sdk: 'rust', tags: 'jaeger' })).toBe('go_rust');
});
