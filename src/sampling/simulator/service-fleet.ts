import type { VariateKind } from '../roots/trace-id-variate.ts';
import { type StrategySnapshot, strategyFor } from '../strategies/snapshot.ts';
import type { Strategy } from '../strategies/strategy.ts';
import { type Instance, switchReply } from './instance.ts';
import type { SeededRandom } from './random.ts';
import type { Fleet } from './scenario.ts';
import { MAX_OCTAVE, NO_OCTAVE, variateKindOf } from './sdk-rules.ts';
import { initialReply, type ServiceReply, serviceReply } from './service-reply.ts';

const STREAM_OF_INSTANCES = 1;
/** How long an instance gathers spans before it sends them, as every SDK's batch processor does by default. */
export const BATCH_S = 5;

/** What a poll looks like from the server. */
export interface PollSeen {
  readonly service: string;
  readonly instance: number;
  readonly timeS: number;
}

/** The instances of one service: they come and go, poll, and hold what they were told. */
export class ServiceFleet {
  readonly service: string;
  readonly kind: VariateKind;
  /** Index within the service by name. */
  readonly operations: ReadonlyMap<string, number>;
  /** Those that take requests now. */
  alive: readonly Instance[] = [];
  /** By operation: the variates of this octave and below may be sampled by some instance in this second. */
  readonly firstOctave: Uint8Array;
  /** Counts what may make a token of the lower bound come earlier than it seemed. */
  tokenEpoch = 0;
  readonly #fleet: Fleet;
  readonly #random: SeededRandom;
  readonly #nextId: () => number;
  readonly #initial: ServiceReply;
  #instances: Instance[] = [];
  #strategy: Strategy | undefined;
  #reply: ServiceReply;
  #changed = true;

  constructor(
    { service, operations, fleet }: { service: string; operations: readonly string[]; fleet: Fleet },
    random: SeededRandom,
    nextId: () => number,
  ) {
    this.service = service;
    this.operations = new Map(operations.map((operation, index) => [operation, index]));
    this.kind = variateKindOf(fleet);
    this.#fleet = fleet;
    this.#random = random;
    this.#nextId = nextId;
    this.#initial = initialReply(this.kind, operations.length, fleet.initialProbability);
    this.#reply = this.#initial;
    this.firstOctave = new Uint8Array(operations.length).fill(NO_OCTAVE);
    for (let place = 0; place < fleet.instances; place++) {
      // The fleet has been running before the simulation begins, so it is anywhere between two polls.
      this.#add(place, 0, (random_) => random_.uniform() * fleet.pollIntervalS);
    }
  }

  get honoursLowerBound(): boolean {
    return this.#fleet.lowerBound;
  }

  get instances(): readonly Instance[] {
    return this.#instances;
  }

  /** Replaces every instance within `forS` seconds: first the new ones come, then the old ones go. */
  deploy(atS: number, forS: number): void {
    const leaving = this.#instances.filter(({ endS }) => endS === Number.POSITIVE_INFINITY);
    const { sdk, pollIntervalS } = this.#fleet;
    for (const [i, old] of leaving.entries()) {
      const share = i / leaving.length;
      const startS = Math.floor(atS + (share * forS) / 2);
      old.endS = Math.floor(atS + ((1 + share) * forS) / 2) + 1;
      const firstPollS = POLLS_AT_ONCE.has(sdk) ? 0 : pollIntervalS;
      this.#add(old.place, startS, (random) => random.uniform() + firstPollS);
    }
  }

  /** The second [timeS, timeS + 1): who is there, who polls and what that changes. */
  step(timeS: number, snapshot: StrategySnapshot, polled: (poll: PollSeen) => void): void {
    let leaves = false;
    let comes = false;
    for (const instance of this.#instances) {
      if (instance.endS <= timeS) leaves = true;
      else if (instance.startS === timeS) comes = true;
    }
    if (leaves) this.#instances = this.#instances.filter(({ endS }) => endS > timeS);
    if (leaves || comes || timeS === 0) {
      this.alive = this.#instances.filter(({ startS }) => startS <= timeS);
      this.tokenEpoch += 1;
      this.#changed = true;
    }
    for (const instance of this.alive) {
      if (instance.nextPollS < timeS + 1) this.#poll(instance, timeS, snapshot, polled);
    }
    if (!this.#changed) return;
    this.#changed = this.#findOctaves(timeS);
  }

  #poll(
    instance: Instance,
    nowS: number,
    snapshot: StrategySnapshot,
    polled: (poll: PollSeen) => void,
  ): void {
    const timeS = instance.nextPollS;
    polled({ service: this.service, instance: instance.id, timeS });
    instance.nextPollS += this.#fleet.pollIntervalS;
    const reply = this.replyIn(snapshot);
    if (reply === instance.reply) return;
    if (!Object.is(instance.reply.lowerBound, reply.lowerBound)) this.tokenEpoch += 1;
    switchReply(instance, reply, nowS, timeS);
    this.#changed = true;
  }

  /** What an instance would be told now. The same object while nothing has changed. */
  replyIn(snapshot: StrategySnapshot): ServiceReply {
    const strategy = strategyFor(snapshot, this.service);
    if (strategy === this.#strategy) return this.#reply;
    this.#strategy = strategy;
    const reply = serviceReply(this.kind, strategy, this.operations, this.#fleet.initialProbability);
    if (!isSame(reply, this.#reply)) this.#reply = reply;
    return this.#reply;
  }

  /** Tells whether it must be done again in the next second: while replies that are on their way out count. */
  #findOctaves(timeS: number): boolean {
    const replies = new Set<ServiceReply>();
    let again = false;
    for (const { reply, before, switchS } of this.alive) {
      replies.add(reply);
      if (switchS >= timeS && before !== reply) {
        replies.add(before);
        again = true;
      }
    }
    if (this.alive.some(({ nonconforming }) => nonconforming)) {
      this.firstOctave.fill(0);
      return again;
    }
    for (let i = 0; i < this.firstOctave.length; i++) {
      let largest = 0;
      for (const { probability } of replies) largest = Math.max(largest, probability[i] as number);
      this.firstOctave[i] =
        largest > 0 ? Math.min(MAX_OCTAVE, Math.floor(-Math.log2(Math.min(1, largest)))) : NO_OCTAVE;
    }
    return again;
  }

  /** Instances have changed in a way that only their owner knows. */
  touch(): void {
    this.#changed = true;
  }

  #add(place: number, startS: number, firstPollS: (random: SeededRandom) => number): void {
    const id = this.#nextId();
    const random = this.#random.stream(STREAM_OF_INSTANCES, id, 0);
    this.#instances.push({
      id,
      place,
      startS,
      endS: Number.POSITIVE_INFINITY,
      nextPollS: startS + firstPollS(random),
      reply: this.#initial,
      before: this.#initial,
      switchS: startS,
      flushPhaseS: random.uniform() * BATCH_S,
      skewS: 0,
      nonconforming: false,
      tokens: undefined,
      tokensAtS: undefined,
      requestS: new Float64Array(this.operations.size).fill(Number.NaN),
    });
  }
}

/** The others ask for the first time when one interval is over. */
const POLLS_AT_ONCE: ReadonlySet<string> = new Set(['go', 'java', 'python', 'dotnet']);

function isSame(a: ServiceReply, b: ServiceReply): boolean {
  if (!Object.is(a.lowerBound, b.lowerBound) || a.lowerBoundOperations !== b.lowerBoundOperations)
    return false;
  for (let i = 0; i < a.probability.length; i++) if (a.probability[i] !== b.probability[i]) return false;
  return true;
}
