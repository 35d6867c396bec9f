import { type Candidate, Candidates } from './candidates.ts';
import { type Instance, replyAt, takeToken, tokenReadyS } from './instance.ts';
import type { SeededRandom } from './random.ts';
import type { OperationTraffic } from './scenario.ts';
import { drawTraceId, keeps } from './sdk-rules.ts';
import type { ServiceFleet } from './service-fleet.ts';
import type { ServiceReply } from './service-reply.ts';

const STREAM_OF_BOUNDS = 4;

export const KEPT_BY = { probability: 0, lowerBound: 1, nonconforming: 2 } as const;

/** A request that was sampled. */
export interface SampledRequest extends Omit<Candidate, 'pick'> {
  /** Of the whole simulation. */
  readonly operation: number;
  readonly instance: Instance;
  /** One of KEPT_BY. */
  readonly keptBy: number;
  /** In force at the instance. */
  readonly probability: number;
}

/** The requests of one operation, and which of them its service's instances sample. */
export class OperationRequests {
  readonly fleet: ServiceFleet;
  /** Index within its service. */
  readonly operation: number;
  readonly #index: number;
  readonly #random: SeededRandom;
  readonly #candidates: Candidates;
  readonly #sampled: (request: SampledRequest) => void;
  /** The lower bound keeps nothing before, as long as the epoch and the rate of an instance are these. */
  #quietUntilS = 0;
  #quietEpoch = -1;
  #quietEach = Number.NaN;
  /** Of the present second, what the probability kept. */
  #kept: SampledRequest[] = [];

  /** `index` is the operation's in the whole simulation; `sampled` is told of every request that is sampled. */
  constructor(
    { index, traffic }: { readonly index: number; readonly traffic: OperationTraffic },
    fleet: ServiceFleet,
    random: SeededRandom,
    sampled: (request: SampledRequest) => void,
  ) {
    this.#index = index;
    this.fleet = fleet;
    this.operation = fleet.operations.get(traffic.operation) as number;
    this.#random = random;
    this.#sampled = sampled;
    this.#candidates = new Candidates(index, traffic, fleet.kind, random);
  }

  /** The second [timeS, timeS + 1). */
  step(timeS: number): void {
    const candidates = this.#candidates;
    if (timeS >= candidates.blockEndS) candidates.begin(timeS);
    const { fleet, operation } = this;
    if (candidates.perSecond <= 0 || fleet.alive.length === 0) return;
    if (this.#kept.length > 0) this.#kept = [];
    const first = fleet.firstOctave[operation] as number;
    // Mostly there is nothing to be sampled in this second.
    if (first < candidates.drawnFrom || candidates.nextS < timeS + 1) {
      for (;;) {
        const candidate = candidates.next(first, timeS, timeS + 1);
        if (candidate === undefined) break;
        this.#decide(candidate);
      }
    }
    if (fleet.honoursLowerBound) this.#keepBound(timeS, candidates.perSecond);
  }

  #decide(candidate: Candidate): void {
    const { fleet, operation } = this;
    const { alive, kind } = fleet;
    const { timeS, traceId } = candidate;
    const instance = alive[Math.floor(candidate.pick * alive.length)] as Instance;
    const { boundHi, boundLo, probability } = replyAt(instance, timeS);
    const isKept =
      instance.nonconforming ||
      keeps(kind, traceId, boundHi[operation] as number, boundLo[operation] as number);
    if (!isKept) return;
    const request = {
      ...candidate,
      operation: this.#index,
      instance,
      keptBy: instance.nonconforming ? KEPT_BY.nonconforming : KEPT_BY.probability,
      probability: probability[operation] as number,
    };
    if (fleet.honoursLowerBound) this.#kept.push(request);
    this.#sampled(request);
  }

  /** What the lower bound keeps of the requests that the probability did not. */
  #keepBound(timeS: number, perSecond: number): void {
    const { fleet, operation } = this;
    const each = perSecond / fleet.alive.length;
    if (this.#quietEpoch !== fleet.tokenEpoch || this.#quietEach !== each) {
      for (const { requestS } of fleet.alive) requestS[operation] = Number.NaN;
      this.#quietEpoch = fleet.tokenEpoch;
      this.#quietEach = each;
      this.#quietUntilS = timeS;
    }
    const isQuiet = this.#quietUntilS >= timeS + 1;
    if (isQuiet && this.#kept.length === 0) return;
    const random = this.#random.stream(STREAM_OF_BOUNDS, this.#index, timeS);
    if (isQuiet) {
      // Only what the probability kept takes tokens now.
      for (const { instance } of this.#kept) this.#keepBoundAt(instance, timeS, random);
      return;
    }
    let quietUntilS = Number.POSITIVE_INFINITY;
    for (const instance of fleet.alive) {
      quietUntilS = Math.min(quietUntilS, this.#keepBoundAt(instance, timeS, random));
    }
    this.#quietUntilS = quietUntilS;
  }

  /** Returns until when the lower bound keeps nothing more. */
  #keepBoundAt(instance: Instance, timeS: number, random: SeededRandom): number {
    const { operation } = this;
    const { requestS } = instance;
    const untilS = timeS + 1;
    if (instance.nonconforming || !bounds(instance.reply, operation)) return Number.POSITIVE_INFINITY;
    let fromS = bounds(instance.before, operation) ? timeS : Math.max(timeS, instance.switchS);
    for (;;) {
      const readyS = tokenReadyS(instance, operation, fromS);
      if (readyS >= untilS) return readyS;
      // What came before the token is of no consequence, and what comes after does not depend on it.
      if (!((requestS[operation] as number) >= readyS)) {
        requestS[operation] = readyS + random.exponential() / this.#quietEach;
      }
      const otherS = requestS[operation] as number;
      const keptS = this.#nextKept(instance, readyS);
      fromS = Math.min(keptS, otherS);
      if (fromS >= untilS) return otherS;
      if (keptS <= otherS) {
        takeToken(instance, operation, fromS);
        continue;
      }
      requestS[operation] = otherS + random.exponential() / this.#quietEach;
      // Those that the probability keeps are drawn elsewhere.
      const probability = replyAt(instance, otherS).probability[operation] as number;
      if (random.uniform() < probability) continue;
      takeToken(instance, operation, otherS);
      this.#sampleOther(instance, otherS, random);
    }
  }

  /** When the instance next sees a request that its probability keeps. */
  #nextKept(instance: Instance, fromS: number): number {
    for (const request of this.#kept) {
      if (request.instance === instance && request.timeS >= fromS) return request.timeS;
    }
    return Number.POSITIVE_INFINITY;
  }

  #sampleOther(instance: Instance, timeS: number, random: SeededRandom): void {
    const { operation } = this;
    const { kind } = this.fleet;
    const { boundHi, boundLo, probability } = replyAt(instance, timeS);
    const traceId = new Uint32Array(4);
    do {
      drawTraceId(kind, random, traceId, 0, true);
    } while (keeps(kind, traceId, boundHi[operation] as number, boundLo[operation] as number));
    this.#sampled({
      operation: this.#index,
      instance,
      timeS,
      traceId,
      keptBy: KEPT_BY.lowerBound,
      probability: probability[operation] as number,
      ...this.#candidates.rest(random),
    });
  }
}

function bounds({ lowerBound, lowerBoundOperations }: ServiceReply, operation: number): boolean {
  return !Number.isNaN(lowerBound) && operation < lowerBoundOperations;
}
