import { type Instance, replyAt, takeToken, tokenReadyS } from './instance.ts';
import { poissonBySearch, type SeededRandom } from './random.ts';
import type { OperationTraffic } from './scenario.ts';
import { drawTraceId, keeps, MAX_OCTAVE, type TraceIdWords } from './sdk-rules.ts';
import type { ServiceFleet } from './service-fleet.ts';
import type { ServiceReply } from './service-reply.ts';

const STREAM_OF_COUNTS = 2;
const STREAM_OF_REQUESTS = 3;
const STREAM_OF_BOUNDS = 4;
/** Octaves that less than this many requests fall into each second are drawn as one. */
const LAST_OCTAVE_PER_SECOND = 0.005;
const TWO_32 = 2 ** 32;
const MEDIAN_DURATION_S = 0.05;
const DURATION_SIGMA = 0.8;

export const KEPT_BY = { probability: 0, lowerBound: 1, nonconforming: 2 } as const;

/** A request that was sampled. One object is used again and again: whoever wants to keep it copies. */
export interface SampledRequest {
  /** Of the whole simulation. */
  operation: number;
  instance: Instance;
  timeS: number;
  durationS: number;
  isError: boolean;
  readonly traceId: TraceIdWords;
  /** One of KEPT_BY. */
  keptBy: number;
  /** In force at the instance. */
  probability: number;
  /** In [0, 1): for what happens to it later. */
  chance: number;
}

/**
 * The requests of one operation. Only those with a small enough variate to be sampled are drawn: by octave of the
 * variate, so that each octave's requests are the same whichever of the others matter.
 */
export class OperationRequests {
  readonly fleet: ServiceFleet;
  /** Index within its service. */
  readonly operation: number;
  readonly #index: number;
  readonly #traffic: OperationTraffic;
  readonly #random: SeededRandom;
  readonly #lastOctave: number;
  /** Of each octave, the chance of no request in a second at the present rate. */
  readonly #none: Float64Array;
  #noneAtRate = Number.NaN;
  #step = 0;
  /** No instance has a token before. */
  #quietUntilS = 0;
  #quietEpoch = -1;
  readonly #keptInstances: Instance[] = [];
  readonly #keptTimes: number[] = [];

  /** `index` is the operation's in the whole simulation. */
  constructor(index: number, traffic: OperationTraffic, fleet: ServiceFleet, random: SeededRandom) {
    this.#index = index;
    this.#traffic = traffic;
    this.fleet = fleet;
    this.operation = fleet.operations.get(traffic.operation) as number;
    this.#random = random;
    const most = Math.max(...traffic.rate.map(({ perSecond }) => perSecond), 0);
    const octave = Math.ceil(Math.log2(most / LAST_OCTAVE_PER_SECOND));
    this.#lastOctave = Math.max(0, Math.min(MAX_OCTAVE, octave));
    this.#none = new Float64Array(this.#lastOctave + 1);
  }

  /** Mean requests per second of [timeS, timeS + 1). To be asked in the order of time. */
  rateIn(timeS: number): number {
    const { rate } = this.#traffic;
    while (this.#step + 1 < rate.length && (rate[this.#step + 1]?.atS as number) <= timeS) this.#step += 1;
    let sum = 0;
    for (let i = this.#step; i < rate.length; i++) {
      const { atS, perSecond } = rate[i] as { atS: number; perSecond: number };
      if (atS >= timeS + 1) break;
      const endS = Math.min(timeS + 1, rate[i + 1]?.atS ?? Number.POSITIVE_INFINITY);
      sum += perSecond * Math.max(0, endS - Math.max(timeS, atS));
    }
    return sum;
  }

  /** Draws the second [timeS, timeS + 1) and tells `sampled` of each request that is sampled. */
  draw(
    timeS: number,
    perSecond: number,
    request: SampledRequest,
    sampled: (request: SampledRequest) => void,
  ): void {
    const { alive } = this.fleet;
    if (perSecond <= 0 || alive.length === 0) return;
    this.#keptInstances.length = 0;
    this.#keptTimes.length = 0;
    request.operation = this.#index;
    const largest = this.fleet.largest[this.operation] as number;
    if (largest > 0) {
      const last = this.#lastOctave;
      if (this.#noneAtRate !== perSecond) this.#setRate(perSecond);
      const first = Math.min(last, Math.floor(-Math.log2(Math.min(1, largest))));
      for (let octave = first; octave <= last; octave++) {
        const quantile = this.#random.hash(STREAM_OF_COUNTS + octave * 8, this.#index, timeS) / TWO_32;
        if (quantile < (this.#none[octave] as number)) continue;
        this.#drawOctave(octave, timeS, { perSecond, quantile }, request, sampled);
      }
    }
    this.#keepBound(timeS, perSecond, request, sampled);
  }

  #setRate(perSecond: number): void {
    this.#noneAtRate = perSecond;
    for (let octave = 0; octave <= this.#lastOctave; octave++) {
      this.#none[octave] = Math.exp(-perSecond * this.#shareOf(octave));
    }
  }

  /** Of all requests, those whose variate lies in the octave. */
  #shareOf(octave: number): number {
    return octave === this.#lastOctave ? 2 ** -octave : 2 ** -(octave + 1);
  }

  #drawOctave(
    octave: number,
    timeS: number,
    { perSecond, quantile }: { readonly perSecond: number; readonly quantile: number },
    request: SampledRequest,
    sampled: (request: SampledRequest) => void,
  ): void {
    const random = this.#random.stream(STREAM_OF_REQUESTS + octave * 8, this.#index, timeS);
    const { alive, kind } = this.fleet;
    const mean = perSecond * this.#shareOf(octave);
    const requests = mean < 10 ? poissonBySearch(mean, quantile) : random.poisson(mean);
    for (let i = 0; i < requests; i++) {
      const atS = timeS + random.next32() / TWO_32;
      const instance = alive[random.below(alive.length)] as Instance;
      drawTraceId(kind, random, request.traceId, octave, octave === this.#lastOctave);
      this.#drawRest(random, request);
      const reply = replyAt(instance, atS);
      const { boundHi, boundLo, probability } = reply;
      const op = this.operation;
      if (instance.nonconforming) request.keptBy = KEPT_BY.nonconforming;
      else if (keeps(kind, request.traceId, boundHi[op] as number, boundLo[op] as number)) {
        request.keptBy = KEPT_BY.probability;
        this.#keptInstances.push(instance);
        this.#keptTimes.push(atS);
      } else continue;
      request.instance = instance;
      request.timeS = atS;
      request.probability = probability[op] as number;
      sampled(request);
    }
  }

  #drawRest(random: SeededRandom, request: SampledRequest): void {
    request.durationS = MEDIAN_DURATION_S * Math.exp(DURATION_SIGMA * random.normal());
    request.isError = random.next32() / TWO_32 < this.#traffic.errorShare;
    request.chance = random.next32() / TWO_32;
  }

  /** What the lower bound keeps of the requests that the probability did not. */
  #keepBound(
    timeS: number,
    perSecond: number,
    request: SampledRequest,
    sampled: (request: SampledRequest) => void,
  ): void {
    const { fleet } = this;
    if (!fleet.honoursLowerBound) return;
    if (this.#quietEpoch === fleet.tokenEpoch && this.#quietUntilS >= timeS + 1) return;
    this.#quietEpoch = fleet.tokenEpoch;
    const random = this.#random.stream(STREAM_OF_BOUNDS, this.#index, timeS);
    const each = perSecond / fleet.alive.length;
    let quietUntilS = Number.POSITIVE_INFINITY;
    for (const instance of fleet.alive) {
      const readyS = this.#keepBoundAt(instance, timeS, each, random, request, sampled);
      if (readyS < quietUntilS) quietUntilS = readyS;
    }
    this.#quietUntilS = quietUntilS;
  }

  /** Returns when the instance has its next token. */
  #keepBoundAt(
    instance: Instance,
    timeS: number,
    perSecond: number,
    random: SeededRandom,
    request: SampledRequest,
    sampled: (request: SampledRequest) => void,
  ): number {
    const { operation } = this;
    const untilS = timeS + 1;
    if (instance.nonconforming || !bounds(instance.reply, operation)) return Number.POSITIVE_INFINITY;
    let fromS = bounds(instance.before, operation) ? timeS : Math.max(timeS, instance.switchS);
    for (;;) {
      const readyS = tokenReadyS(instance, operation, fromS);
      if (readyS >= untilS) return readyS;
      const keptS = this.#nextKept(instance, readyS);
      const otherS = this.#nextOther(instance, readyS, perSecond, random);
      const takenS = Math.min(keptS, otherS);
      if (takenS >= untilS) return readyS;
      takeToken(instance, operation, takenS);
      if (otherS < keptS) {
        this.#drawOtherId(instance, otherS, random, request);
        sampled(request);
      }
      fromS = takenS;
    }
  }

  /** When the instance next sees a request that its probability keeps. */
  #nextKept(instance: Instance, fromS: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#keptTimes.length; i++) {
      const timeS = this.#keptTimes[i] as number;
      if (this.#keptInstances[i] === instance && timeS >= fromS && timeS < next) next = timeS;
    }
    return next;
  }

  /** When it next sees one that its probability does not keep; only exact within the second. */
  #nextOther(instance: Instance, fromS: number, perSecond: number, random: SeededRandom): number {
    const { operation } = this;
    const now = replyAt(instance, fromS).probability[operation] as number;
    const later = instance.reply.probability[operation] as number;
    const most = 1 - Math.min(now, later);
    if (most <= 0) return Number.POSITIVE_INFINITY;
    let timeS = fromS;
    for (;;) {
      timeS += random.exponential() / (perSecond * most);
      const probability = replyAt(instance, timeS).probability[operation] as number;
      if (now === later || random.uniform() * most < 1 - probability) return timeS;
    }
  }

  #drawOtherId(instance: Instance, timeS: number, random: SeededRandom, request: SampledRequest): void {
    const { kind } = this.fleet;
    const { boundHi, boundLo, probability } = replyAt(instance, timeS);
    const { operation } = this;
    do {
      drawTraceId(kind, random, request.traceId, 0, true);
    } while (keeps(kind, request.traceId, boundHi[operation] as number, boundLo[operation] as number));
    this.#drawRest(random, request);
    request.keptBy = KEPT_BY.lowerBound;
    request.instance = instance;
    request.timeS = timeS;
    request.probability = probability[operation] as number;
  }
}

function bounds({ lowerBound, lowerBoundOperations }: ServiceReply, operation: number): boolean {
  return !Number.isNaN(lowerBound) && operation < lowerBoundOperations;
}
