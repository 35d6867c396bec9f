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
  /** No instance has a token before. */
  #quietUntilS = 0;
  #quietEpoch = -1;
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
    const first = fleet.firstOctave[operation] as number;
    if (this.#kept.length > 0) this.#kept = [];
    for (;;) {
      const candidate = candidates.next(first, timeS, timeS + 1);
      if (candidate === undefined) break;
      this.#decide(candidate);
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
    const { fleet } = this;
    if (this.#quietEpoch === fleet.tokenEpoch && this.#quietUntilS >= timeS + 1) return;
    this.#quietEpoch = fleet.tokenEpoch;
    const random = this.#random.stream(STREAM_OF_BOUNDS, this.#index, timeS);
    const each = perSecond / fleet.alive.length;
    let quietUntilS = Number.POSITIVE_INFINITY;
    for (const instance of fleet.alive) {
      const readyS = this.#keepBoundAt(instance, timeS, each, random);
      if (readyS < quietUntilS) quietUntilS = readyS;
    }
    this.#quietUntilS = quietUntilS;
  }

  /** Returns when the instance has its next token. */
  #keepBoundAt(instance: Instance, timeS: number, perSecond: number, random: SeededRandom): number {
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
      if (otherS < keptS) this.#sampleOther(instance, otherS, random);
      fromS = takenS;
    }
  }

  /** When the instance next sees a request that its probability keeps. */
  #nextKept(instance: Instance, fromS: number): number {
    for (const request of this.#kept) {
      if (request.instance === instance && request.timeS >= fromS) return request.timeS;
    }
    return Number.POSITIVE_INFINITY;
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
