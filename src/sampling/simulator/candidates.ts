import type { VariateKind } from '../roots/trace-id-variate.ts';
import { poissonBySearch, type SeededRandom } from './random.ts';
import { isSteady, meanRate } from './rate-steps.ts';
import type { OperationTraffic } from './scenario.ts';
import { drawTraceId, MAX_OCTAVE, type TraceIdWords } from './sdk-rules.ts';

const STREAM_OF_COUNTS = 2;
const STREAM_OF_REQUESTS = 3;
/** Streams of both kinds are told apart by octave and by the length of the block. */
const KINDS = 16;
/** Octaves that less than this many requests fall into each second are drawn as one. */
const LAST_OCTAVE_PER_SECOND = 0.005;
const TWO_32 = 2 ** 32;
const MEDIAN_DURATION_S = 0.05;
const DURATION_SIGMA = 0.8;
/** Seconds that are drawn at once where the rate is steady. */
const BLOCK_S = 10;

/** A request whose variate is small enough that it may be sampled. */
export interface Candidate {
  readonly timeS: number;
  /** In [0, 1): which of the instances has it. */
  readonly pick: number;
  readonly traceId: TraceIdWords;
  readonly durationS: number;
  readonly isError: boolean;
  /** In [0, 1): for what happens to it later. */
  readonly chance: number;
}

/**
 * The requests of one operation that may be sampled, by octave of their variate: [1/2, 1), [1/4, 1/2), ... What an
 * octave holds depends on the seed alone, not on which octaves were asked for, nor when.
 */
export class Candidates {
  /** Of the present block. */
  perSecond = 0;
  blockEndS = 0;
  /** Of what is drawn so far, when the next one comes; Infinity = none in this block. */
  nextS = Number.POSITIVE_INFINITY;
  /** This octave and all smaller variates are drawn. */
  drawnFrom = 0;
  readonly #index: number;
  readonly #traffic: OperationTraffic;
  readonly #kind: VariateKind;
  readonly #random: SeededRandom;
  readonly #lastOctave: number;
  /** By octave: the chance that a block of that mean has no request. */
  readonly #none: Float64Array;
  #noneOf = Number.NaN;
  #blockS = 0;
  /** Those of the block to come, the last one first. */
  #ahead: Candidate[] = [];

  /** `index` is the operation's in the whole simulation. */
  constructor(index: number, traffic: OperationTraffic, kind: VariateKind, random: SeededRandom) {
    this.#index = index;
    this.#traffic = traffic;
    this.#kind = kind;
    this.#random = random;
    const most = Math.max(...traffic.rate.map(({ perSecond }) => perSecond), 0);
    const octave = Math.ceil(Math.log2(most / LAST_OCTAVE_PER_SECOND));
    this.#lastOctave = Math.max(0, Math.min(MAX_OCTAVE, octave));
    this.#none = new Float64Array(this.#lastOctave + 1);
  }

  /** Goes on to the block that begins at the whole second `timeS`. */
  begin(timeS: number): void {
    const { rate } = this.#traffic;
    const isWhole = timeS % BLOCK_S === 0 && isSteady(rate, timeS, timeS + BLOCK_S);
    this.#blockS = isWhole ? BLOCK_S : 1;
    this.blockEndS = timeS + this.#blockS;
    this.perSecond = meanRate(rate, timeS, this.blockEndS);
    this.drawnFrom = this.#lastOctave + 1;
    this.#ahead = [];
    this.nextS = Number.POSITIVE_INFINITY;
  }

  /** The next one before `untilS` whose variate lies in the octave `first` or below; undefined = there is none. */
  next(first: number, nowS: number, untilS: number): Candidate | undefined {
    if (first < this.drawnFrom && this.perSecond > 0) this.#drawDownTo(first, nowS);
    if (this.nextS >= untilS) return undefined;
    const candidate = this.#ahead.pop();
    this.#look();
    return candidate;
  }

  /** Octaves that did not matter so far may matter from `nowS` on. */
  #drawDownTo(first: number, nowS: number): void {
    const mean = this.perSecond * this.#blockS;
    if (this.#noneOf !== mean) this.#setMean(mean);
    const kinds = this.#blockS === BLOCK_S ? 0 : 8;
    const from = Math.min(first, this.#lastOctave);
    const known = this.#ahead.length;
    for (let octave = from; octave < this.drawnFrom; octave++) {
      const kind = STREAM_OF_COUNTS + kinds + octave * KINDS;
      const quantile = this.#random.hash(kind, this.#index, this.blockEndS) / TWO_32;
      if (quantile >= (this.#none[octave] as number)) this.#drawOctave(octave, kinds, mean, quantile);
    }
    this.drawnFrom = Math.min(this.drawnFrom, first);
    if (this.#ahead.length === known) return;
    this.#ahead = this.#ahead.filter(({ timeS }) => timeS >= nowS).sort((a, b) => b.timeS - a.timeS);
    this.#look();
  }

  #look(): void {
    const { length } = this.#ahead;
    this.nextS = length === 0 ? Number.POSITIVE_INFINITY : (this.#ahead[length - 1] as Candidate).timeS;
  }

  #drawOctave(octave: number, kinds: number, blockMean: number, quantile: number): void {
    const random = this.#random.stream(
      STREAM_OF_REQUESTS + kinds + octave * KINDS,
      this.#index,
      this.blockEndS,
    );
    const mean = blockMean * this.#shareOf(octave);
    const requests = mean < 10 ? poissonBySearch(mean, quantile) : random.poisson(mean);
    const startS = this.blockEndS - this.#blockS;
    for (let i = 0; i < requests; i++) {
      const timeS = startS + random.uniform() * this.#blockS;
      const pick = random.next32() / TWO_32;
      const traceId = new Uint32Array(4);
      drawTraceId(this.#kind, random, traceId, octave, octave === this.#lastOctave);
      this.#ahead.push({ timeS, pick, traceId, ...this.rest(random) });
    }
  }

  /** What a request is besides its time and its id. */
  rest(random: SeededRandom): Pick<Candidate, 'durationS' | 'isError' | 'chance'> {
    return {
      durationS: MEDIAN_DURATION_S * Math.exp(DURATION_SIGMA * random.normal()),
      isError: random.next32() / TWO_32 < this.#traffic.errorShare,
      chance: random.next32() / TWO_32,
    };
  }

  #setMean(mean: number): void {
    this.#noneOf = mean;
    for (let octave = 0; octave <= this.#lastOctave; octave++) {
      this.#none[octave] = Math.exp(-mean * this.#shareOf(octave));
    }
  }

  /** Of all requests, those whose variate lies in the octave. */
  #shareOf(octave: number): number {
    return octave === this.#lastOctave ? 2 ** -octave : 2 ** -(octave + 1);
  }
}
