import type { ControlDecision, Controller } from '../adaptive/controller.ts';
import { PollerRegistry } from '../pollers/pollers.ts';
import type { ThroughputRow } from '../roots/throughput-rows.ts';
import type { StrategySnapshot } from '../strategies/snapshot.ts';
import { largestJump } from './largest-jump.ts';
import { KEPT_BY, OperationRequests, type SampledRequest } from './operation-requests.ts';
import { Pipeline } from './pipeline.ts';
import { pollOf } from './poll-of.ts';
import { SeededRandom } from './random.ts';
import { meanRate } from './rate-steps.ts';
import type { Scenario, ScenarioEvent, Whom } from './scenario.ts';
import { variateKindOf } from './sdk-rules.ts';
import { type OperationSeries, SLICE_S } from './series.ts';
import { type PollSeen, ServiceFleet } from './service-fleet.ts';
import { type Verdict, Verdicts } from './verdicts.ts';

/** 2026-01-01, the simulation's start. */
export const EPOCH_S = 1_767_225_600;

/** When the controller decides, and over what; as the engine drives it. Whole seconds. */
export interface Rhythm {
  /** Between two rounds. */
  readonly intervalS: number;
  /** How old a window's end is when it is taken for complete. */
  readonly delayS: number;
  /** Windows that roots are counted in. */
  readonly windowS: number;
}

export const DEFAULT_RHYTHM: Rhythm = { intervalS: 5, delayS: 10, windowS: 5 };

const STREAM_OF_START = 5;
const FEW_OPERATIONS = 100;
const SELDOM = 12;

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
  readonly #rhythm: Rhythm;
  readonly #fleets: readonly ServiceFleet[];
  readonly #requests: readonly OperationRequests[];
  readonly #pipeline: Pipeline;
  readonly #pollers = new PollerRegistry();
  readonly #verdicts = new Verdicts();
  /** Sums per slice, where it is not the probability. */
  readonly #series: readonly MutableSeries[];
  readonly #failoverJumps: number[] = [];
  #controller: Controller<ThroughputRow> | undefined;
  #stored: readonly ControlDecision[] = [];
  #resumeS = 0;
  #snapshot: StrategySnapshot;
  #timeS = 0;
  #nextRoundS: number;
  #rounds = 0;

  constructor(scenario: Scenario, create: CreateController, rhythm: Rhythm = DEFAULT_RHYTHM) {
    const { fleet, operations, seed } = scenario;
    const random = new SeededRandom(seed);
    this.scenario = scenario;
    this.#create = create;
    this.#rhythm = rhythm;
    this.#controller = create();
    this.#snapshot = this.#controller.snapshot();
    this.#fleets = fleetsOf(scenario, random);
    const sampled = (request: SampledRequest): void => this.#sampled(request);
    const byService = new Map(this.#fleets.map((one) => [one.service, one]));
    this.#requests = operations.map((traffic, index) => {
      const own = byService.get(traffic.service) as ServiceFleet;
      return new OperationRequests({ index, traffic }, own, random, sampled);
    });
    this.#pipeline = new Pipeline({
      tags: fleet.tags,
      kind: variateKindOf(fleet),
      operations,
      epochS: EPOCH_S,
      ...rhythm,
      lags: scenario.events.filter((event) => event.do === 'lag'),
    });
    const slices = Math.ceil(scenario.durationS / SLICE_S);
    this.#series = operations.map(() => emptySeries(slices));
    // The controller has been running before anything else begins: its rhythm is anywhere by then.
    this.#nextRoundS = random.stream(STREAM_OF_START, 0, 0).below(rhythm.intervalS);
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
      for (const requests of this.#requests) requests.step(nowS);
      this.#timeS = nowS + 1;
    }
  }

  /** By operation, in the scenario's order. */
  series(): readonly OperationSeries[] {
    const decisions = this.#controller?.standing() ?? this.#stored;
    const targets = new Map(decisions.map((each) => [`${each.service}\n${each.operation}`, each.target]));
    return this.scenario.operations.map(({ service, operation, rate }, i) => {
      const own = targets.get(`${service}\n${operation}`);
      const target = own ?? targets.get(`${service}\n`) ?? Number.NaN;
      const { probability, sampled, lowerBound } = this.#series[i] as MutableSeries;
      const perSecond = (sums: Float64Array): Float64Array =>
        sums.map((sum, slice) => sum / this.#lengthOf(slice));
      return {
        service,
        operation,
        target,
        rate: probability.map((_, slice) => {
          const fromS = slice * SLICE_S;
          return meanRate(rate, fromS, fromS + this.#lengthOf(slice));
        }),
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
      this.#nextRoundS = nowS;
      this.#controller.restore(this.#stored, nowMs);
      const before = this.#snapshot;
      this.#snapshot = this.#controller.snapshot();
      this.#failoverJumps.push(largestJump(this.scenario.operations, before, this.#snapshot));
    }
    if (nowS >= this.#nextRoundS) this.#round(this.#controller, nowS);
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
    this.#nextRoundS = nowS + this.#rhythm.intervalS;
    this.#rounds += 1;
    this.#snapshot = controller.snapshot();
    this.#verdicts.count(rows);
    // What stands for thousands of operations is not asked for in every round.
    const isDue = this.scenario.operations.length <= FEW_OPERATIONS || this.#rounds % SELDOM === 0;
    if (isDue) this.#verdicts.look(nowS, controller.standing());
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

type MutableSeries = Pick<OperationSeries, 'probability' | 'sampled' | 'lowerBound'>;

function emptySeries(slices: number): MutableSeries {
  const column = (): Float64Array => new Float64Array(slices);
  return { probability: column(), sampled: column(), lowerBound: column() };
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
