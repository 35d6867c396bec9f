import type { VariateKind } from '../roots/trace-id-variate.ts';
import type { SeededRandom } from './random.ts';
import type { Fleet, Sdk } from './scenario.ts';

const TWO_32 = 2 ** 32;

/** 16 bytes of a trace id as four big-endian words. */
export type TraceIdWords = Uint32Array;

const KINDS: Readonly<Record<Sdk, VariateKind>> = {
  go: 'go_rust',
  rust: 'go_rust',
  java: 'java',
  js: 'js',
  python: 'python',
  dotnet: 'dotnet',
};

/** A span can only carry `ot=th` when it was sampled by the rule that `th` stands for. */
export function variateKindOf({ sdk, tags }: Pick<Fleet, 'sdk' | 'tags'>): VariateKind {
  return tags === 'otel' ? 'otel_consistent' : KINDS[sdk];
}

/** Ids are told apart by octave of their variate down to 2^-MAX_OCTAVE: a JS variate has 32 bits. */
export const MAX_OCTAVE = 30;
/** After every octave: of a probability of 0. */
export const NO_OCTAVE = 255;

/**
 * Draws a trace id whose variate lies in octave `octave`, [2^-(octave+1), 2^-octave), uniformly; with `isLast` in
 * [0, 2^-octave). An octave is a set of bit patterns, so that all octaves together hold every id once.
 */
export function drawTraceId(
  kind: VariateKind,
  random: SeededRandom,
  words: TraceIdWords,
  octave: number,
  isLast: boolean,
): void {
  for (let i = 0; i < 4; i++) words[i] = random.next32();
  switch (kind) {
    case 'js': {
      const accumulated = leading(random.next32(), octave, isLast);
      words[3] = ((words[0] as number) ^ (words[1] as number) ^ (words[2] as number) ^ accumulated) >>> 0;
      break;
    }
    case 'python':
    case 'go_rust':
      words[2] = leading(words[2] as number, octave, isLast);
      break;
    case 'java': {
      // A small magnitude of a signed number: its leading bits are all like its sign.
      const magnitude = leading(((words[2] as number) << 1) >>> 0, octave, isLast) >>> 1;
      const isNegative = (words[2] as number) >= 2 ** 31;
      words[2] = isNegative ? ~magnitude >>> 0 : magnitude;
      break;
    }
    case 'jaeger_client_go':
      words[2] = belowTop(words[2] as number, octave, isLast);
      break;
    case 'dotnet':
      words[0] = belowTop(words[0] as number, octave, isLast);
      break;
    case 'otel_consistent': {
      // Kept are the large ones: the leading bits of R are ones, in the 24 bits of this word and then the next.
      const high = words[2] as number;
      const inWord = Math.min(octave, 24);
      const ones = 24 - inWord === 0 ? 0xffffff : (0xffffff << (24 - inWord)) & 0xffffff;
      let low = (high & 0xffffff) | ones;
      if (octave < 24 && !isLast) low &= ~(1 << (23 - octave));
      words[2] = ((high & 0xff000000) | low) >>> 0;
      if (octave >= 24) words[3] = ~leading(~(words[3] as number) >>> 0, octave - 24, isLast) >>> 0;
      break;
    }
  }
}

/** `bits` with the first `zeros` bits 0 and, unless `isLast`, a 1 after them. */
function leading(bits: number, zeros: number, isLast: boolean): number {
  const cleared = zeros === 0 ? bits : zeros >= 32 ? 0 : (bits & (0xffffffff >>> zeros)) >>> 0;
  return isLast || zeros >= 32 ? cleared : (cleared | (0x80000000 >>> zeros)) >>> 0;
}

/** The same from the second bit on; the first stays as it is. */
function belowTop(bits: number, zeros: number, isLast: boolean): number {
  const rest = leading((bits << 1) >>> 0, zeros, isLast) >>> 1;
  return ((bits & 0x80000000) | rest) >>> 0;
}

/** The whole number that an SDK compares ids with; 64 bits in two halves. */
export interface Bound {
  readonly hi: number;
  readonly lo: number;
}

const MAX_INT64: Bound = { hi: 0x7fffffff, lo: 0xffffffff };

/** The bound that an SDK makes of the probability `p` in [0, 1], with that SDK's own rounding. */
export function boundOf(kind: VariateKind, p: number): Bound {
  switch (kind) {
    case 'js':
      return p >= 1 ? { hi: 1, lo: 0 } : { hi: 0, lo: Math.floor(p * 0xffffffff) };
    case 'python':
      return split(roundHalfEven(p * 2 ** 64));
    case 'otel_consistent':
      return split(2 ** 56 - Math.round(p * 2 ** 56));
    case 'java':
    case 'dotnet':
      return p >= 1 ? MAX_INT64 : split(Math.floor(p * 2 ** 63));
    case 'go_rust':
    case 'jaeger_client_go':
      return split(Math.floor(p * 2 ** 63));
  }
}

/** Whether an SDK with that bound keeps the trace. */
export function keeps(kind: VariateKind, words: TraceIdWords, hi: number, lo: number): boolean {
  const highHi = words[0] as number;
  const highLo = words[1] as number;
  const lowHi = words[2] as number;
  const lowLo = words[3] as number;
  switch (kind) {
    case 'js':
      return hi > 0 || (highHi ^ highLo ^ lowHi ^ lowLo) >>> 0 < lo;
    case 'python':
      return isBelow(lowHi, lowLo, hi, lo);
    case 'go_rust':
      return isBelow(lowHi >>> 1, ((lowHi << 31) | (lowLo >>> 1)) >>> 0, hi, lo);
    case 'java': {
      if (lowHi < 2 ** 31) return isBelow(lowHi, lowLo, hi, lo);
      // Math.abs of the smallest long is negative, and so below every bound but that of probability 0.
      if (lowHi === 2 ** 31 && lowLo === 0) return hi > 0 || lo > 0;
      return isBelow((~lowHi + (lowLo === 0 ? 1 : 0)) >>> 0, -lowLo >>> 0, hi, lo);
    }
    case 'dotnet':
      return isBelow(highHi & 0x7fffffff, highLo, hi, lo);
    case 'jaeger_client_go':
      return isBelow(lowHi & 0x7fffffff, lowLo, hi, lo);
    case 'otel_consistent':
      return !isBelow(lowHi & 0xffffff, lowLo, hi, lo);
  }
}

function isBelow(aHi: number, aLo: number, bHi: number, bLo: number): boolean {
  return aHi < bHi || (aHi === bHi && aLo < bLo);
}

function split(whole: number): Bound {
  const hi = Math.floor(whole / TWO_32);
  return { hi, lo: whole - hi * TWO_32 };
}

/** Python's round. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
