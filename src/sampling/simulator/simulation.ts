import type { ControlDecision, Controller } from '../adaptive/controller.ts';
import { PollerRegistry } from '../pollers.ts';
import type { StrategySnapshot } from '../snapshot.ts';
import type { ThroughputRow } from '../throughput-rows.ts';
import { largestJump } from './largest-jump.ts';
import { KEPT_BY, OperationRequests, type SampledRequest } from './operation-traffic.ts';
import { Pipeline } from './pipeline.ts';
import { pollOf } from './poll-of.ts';
import { SeededRandom } from './random.ts';
import type { Fleet, Scenario, ScenarioEvent, Whom } from './scenario.ts';
import { variateKindOf } from './sdk-rules.ts';
import { type OperationSeries, SLICE_S } from './series.ts';
import { type PollSeen, ServiceFleet } from './service-fleet.ts';
import { initialReply } from './service-reply.ts';
import { type Verdict, Verdicts } from './verdicts.ts';

/** 2026-01-01, the simulation's start. */
export const EPOCH_S = 1_767_225_600;
/** Between two rounds of the controller. */
export const ROUND_S = 5;

const STREAM_OF_START = 5;
/** A minute's worth: Jaeger's interval by default. */
const WARM_UP_ROUNDS = 60 / ROUND_S;

export type CreateController = () => Controller<ThroughputRow>;

/** What a controller said and did besides the series. */
export interface SimulationNotes {
  readonly verdicts: readonly Verdict[];
  /** Sampled roots that came too late for their window. */
  readonly late: number;
  /** Of each failover: the largest factor that a probability changed by with it; 1 = none changed. */
  readonly failoverJumps: readonly number[];
  readonly rounds: number;
}

/** One run of a scenario, second by second. Everything in it follows from the scenario and its seed. */
export class Simulation {
  readonly scenario: Scenario;
  readonly #create: CreateController;
  readonly #fleets: readonly ServiceFleet[];
  readonly #requests: readonly OperationRequests[];
  readonly #pipeline: Pipeline;
  readonly #pollers = new PollerRegistry();
  readonly #verdicts = new Verdicts();
  /** Sums per slice, where it is not the probability. */
  readonly #series: readonly MutableSeries[];
  readonly #request: SampledRequest;
  readonly #failoverJumps: number[] = [];
  #controller: Controller<ThroughputRow> | undefined;
  #stored: readonly ControlDecision[] = [];
  #resumeS = 0;
  #snapshot: StrategySnapshot;
  #timeS = 0;
  #rounds = 0;

  constructor(scenario: Scenario, create: CreateController) {
    const { fleet, operations, seed } = scenario;
    const random = new SeededRandom(seed);
    this.scenario = scenario;
    this.#create = create;
    this.#controller = create();
    this.#snapshot = this.#controller.snapshot();
    this.#fleets = fleetsOf(scenario, random);
    const byService = new Map(this.#fleets.map((one) => [one.service, one]));
    this.#requests = operations.map(
      (traffic, i) =>
        new OperationRequests(i, traffic, byService.get(traffic.service) as ServiceFleet, random),
    );
    this.#pipeline = new Pipeline({
      tags: fleet.tags,
      kind: variateKindOf(fleet),
      operations,
      epochS: EPOCH_S,
      lags: scenario.events.filter((event) => event.do === 'lag'),
    });
    const slices = Math.ceil(scenario.durationS / SLICE_S);
    this.#series = operations.map(() => emptySeries(slices));
    this.#request = blankRequest(this.#fleets, fleet);
    this.#warmUp(this.#controller, random);
  }

  /** Seconds that are over. */
  get timeS(): number {
    return this.#timeS;
  }

  get isDone(): boolean {
    return this.#timeS >= this.scenario.durationS;
  }

  /** Goes on until `timeS` (or the scenario's end). */
  run(timeS: number): void {
    const endS = Math.min(timeS, this.scenario.durationS);
    const sampled = (request: SampledRequest): void => this.#sampled(request);
    const polled = (poll: PollSeen): void => {
      this.#pollers.record(pollOf(poll, this.scenario.fleet, EPOCH_S));
    };
    while (this.#timeS < endS) {
      const nowS = this.#timeS;
      for (const event of this.scenario.events) if (Math.floor(event.atS) === nowS) this.#happen(event);
      this.#pipeline.arrive(nowS);
      this.#control(nowS);
      if (nowS % SLICE_S === 0) this.#noteServed(nowS / SLICE_S);
      for (const fleet of this.#fleets) fleet.step(nowS, this.#snapshot, polled);
      for (let i = 0; i < this.#requests.length; i++) {
        const requests = this.#requests[i] as OperationRequests;
        const perSecond = requests.rateIn(nowS);
        if (perSecond <= 0) continue;
        const { rate } = this.#series[i] as MutableSeries;
        const slice = Math.floor(nowS / SLICE_S);
        rate[slice] = (rate[slice] as number) + perSecond;
        requests.draw(nowS, perSecond, this.#request, sampled);
      }
      this.#timeS = nowS + 1;
    }
  }

  /** By operation, in the scenario's order. */
  series(): readonly OperationSeries[] {
    const decisions = this.#controller?.standing() ?? this.#stored;
    const targets = new Map(decisions.map((each) => [`${each.service}\n${each.operation}`, each.target]));
    return this.scenario.operations.map(({ service, operation }, i) => {
      const own = targets.get(`${service}\n${operation}`);
      const target = own ?? targets.get(`${service}\n`) ?? Number.NaN;
      const { rate, probability, sampled, lowerBound } = this.#series[i] as MutableSeries;
      const perSecond = (sums: Float64Array): Float64Array =>
        sums.map((sum, slice) => sum / this.#lengthOf(slice));
      return {
        service,
        operation,
        target,
        rate: perSecond(rate),
        probability,
        sampled: perSecond(sampled),
        lowerBound: perSecond(lowerBound),
      };
    });
  }

  notes(): SimulationNotes {
    return {
      verdicts: this.#verdicts.all,
      late: this.#pipeline.late,
      failoverJumps: this.#failoverJumps,
      rounds: this.#rounds,
    };
  }

  standing(): readonly ControlDecision[] {
    return this.#controller?.standing() ?? this.#stored;
  }

  #control(nowS: number): void {
    const nowMs = (EPOCH_S + nowS) * 1000;
    if (this.#controller === undefined) {
      if (nowS < this.#resumeS) return;
      this.#controller = this.#create();
      this.#controller.restore(this.#stored, nowMs);
      const before = this.#snapshot;
      this.#snapshot = this.#controller.snapshot();
      this.#failoverJumps.push(largestJump(this.scenario.operations, before, this.#snapshot));
    }
    if (nowS % ROUND_S === 0 && nowS > 0) this.#round(this.#controller, nowS);
  }

  /** The controller has been running before anything else begins: its own rhythm is anywhere by then. */
  #warmUp(controller: Controller<ThroughputRow>, random: SeededRandom): void {
    const rounds = 1 + random.stream(STREAM_OF_START, 0, 0).below(WARM_UP_ROUNDS);
    this.#pipeline.begin(-(rounds + 1) * ROUND_S);
    for (let i = rounds; i >= 0; i--) this.#round(controller, -i * ROUND_S);
  }

  #round(controller: Controller<ThroughputRow>, nowS: number): void {
    const nowMs = (EPOCH_S + nowS) * 1000;
    const { startS, endS, rows } = this.#pipeline.read(nowS);
    controller.round({
      nowMs,
      startMs: startS * 1000,
      endMs: endS * 1000,
      rows,
      pollers: this.#pollers.servicePollers(nowMs),
    });
    this.#rounds += 1;
    this.#snapshot = controller.snapshot();
    this.#verdicts.look(nowS, rows, controller.standing());
  }

  #happen(event: ScenarioEvent): void {
    if (event.do === 'failover') {
      if (this.#controller === undefined) return;
      // As it comes out of a store: another object, numbers alone.
      this.#stored = structuredClone(this.#controller.standing());
      this.#controller = undefined;
      this.#resumeS = event.atS + event.forS;
    } else if (event.do === 'deploy') {
      for (const fleet of this.#fleets) {
        if (event.service === undefined || fleet.service === event.service)
          fleet.deploy(event.atS, event.forS);
      }
    } else if (event.do === 'skew') {
      this.#each(event, (instance) => {
        instance.skewS = event.seconds;
      });
    } else if (event.do === 'nonconforming') {
      this.#each(event, (instance) => {
        instance.nonconforming = true;
      });
    }
  }

  #each({ service, instances }: Whom, act: (instance: ServiceFleet['instances'][number]) => void): void {
    for (const fleet of this.#fleets) {
      if (service !== undefined && fleet.service !== service) continue;
      for (const instance of fleet.instances) if (instance.place < (instances ?? Infinity)) act(instance);
      fleet.touch();
    }
  }

  #sampled(request: SampledRequest): void {
    this.#pipeline.send(request);
    const { sampled, lowerBound } = this.#series[request.operation] as MutableSeries;
    const slice = Math.floor(request.timeS / SLICE_S);
    const column = request.keptBy === KEPT_BY.lowerBound ? lowerBound : sampled;
    column[slice] = (column[slice] as number) + 1;
  }

  #noteServed(slice: number): void {
    for (let i = 0; i < this.#requests.length; i++) {
      const { fleet, operation } = this.#requests[i] as OperationRequests;
      const { probability } = fleet.replyIn(this.#snapshot);
      (this.#series[i] as MutableSeries).probability[slice] = probability[operation] as number;
    }
  }

  /** The last slice may be shorter. */
  #lengthOf(slice: number): number {
    return Math.min(SLICE_S, this.scenario.durationS - slice * SLICE_S);
  }
}

type MutableSeries = Pick<OperationSeries, 'rate' | 'probability' | 'sampled' | 'lowerBound'>;

function emptySeries(slices: number): MutableSeries {
  const column = (): Float64Array => new Float64Array(slices);
  return { rate: column(), probability: column(), sampled: column(), lowerBound: column() };
}

function fleetsOf({ operations, fleet }: Scenario, random: SeededRandom): ServiceFleet[] {
  const names = new Map<string, string[]>();
  for (const { service, operation } of operations) {
    const own = names.get(service);
    if (own === undefined) names.set(service, [operation]);
    else own.push(operation);
  }
  let id = 0;
  const nextId = (): number => id++;
  return [...names].map(
    ([service, own]) => new ServiceFleet({ service, operations: own, fleet }, random, nextId),
  );
}

function blankRequest(fleets: readonly ServiceFleet[], fleet: Fleet): SampledRequest {
  const instance = fleets[0]?.instances[0];
  if (instance === undefined) throw new RangeError('a scenario needs an operation and an instance');
  return {
    operation: 0,
    instance: { ...instance, reply: initialReply(variateKindOf(fleet), 0, 0) },
    timeS: 0,
    durationS: 0,
    isError: false,
    traceId: new Uint32Array(4),
    keptBy: KEPT_BY.probability,
    probability: 0,
    chance: 0,
  };
}
