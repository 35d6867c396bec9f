import { coarseClassOf, highBitsOf } from '../../sketch/duration-classes.ts';
import { MAX_ADJUSTED } from '../roots/kept-with.ts';
import { addRoots, type MutableRoots, noRoots, sampledRoots } from '../roots/merge-roots.ts';
import { type Classes, NO_CLASSES, type SampledRoots } from '../roots/root-row.ts';
import { sixDecimals } from '../roots/six-decimals.ts';
import { MAX_PROBABILITIES } from '../roots/throughput-entries.ts';
import type { ThroughputRow } from '../roots/throughput-rows.ts';
import { traceIdVariate, type VariateKind } from '../roots/trace-id-variate.ts';
import { variateClass } from '../roots/variate-classes.ts';
import { KEPT_BY, type SampledRequest } from './operation-requests.ts';
import type { FleetTags } from './scenario.ts';
import { BATCH_S } from './service-fleet.ts';

/** From an SDK's batch until its rows can be read: network, Kafka, a block's linger, the insert. */
const TRANSIT_S = 2;
const TRANSIT_SPREAD_S = 1.5;

interface Root {
  readonly operation: number;
  readonly windowS: number;
  readonly probability: number;
  readonly keptBy: number;
  readonly sampled: SampledRoots;
}

interface Window {
  readonly operations: Map<number, WindowOperation>;
}

interface WindowOperation {
  readonly roots: MutableRoots;
  count: number;
  readonly probabilities: Set<string>;
}

export interface PipelineOptions {
  readonly tags: FleetTags;
  readonly kind: VariateKind;
  readonly operations: readonly { readonly service: string; readonly operation: string }[];
  /** Unix seconds of the simulation's start, a multiple of the window. */
  readonly epochS: number;
  /** Length of the windows that rows are counted in. */
  readonly windowS: number;
  /** How old a window's end is when it is taken for complete. */
  readonly delayS: number;
  /** When rows are withheld, seconds from the start. */
  readonly lags: readonly { readonly atS: number; readonly forS: number }[];
}

/** The way of a sampled root span from the instance to a row that the controller reads. */
export class Pipeline {
  /** Rows' roots that came when their window had been read. */
  late = 0;
  readonly #options: PipelineOptions;
  /** By whole second of their arrival. */
  readonly #underway = new Map<number, Root[]>();
  readonly #windows = new Map<number, Window>();
  readonly #bytes = Buffer.alloc(16);
  #readUntilS: number;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#readUntilS = this.#completeS(0);
  }

  /** A request was sampled; its span leaves with the instance's next batch. */
  send(request: SampledRequest): void {
    const { instance, timeS, durationS, operation, probability, keptBy } = request;
    const endS = timeS + durationS;
    const { epochS, windowS: lengthS } = this.#options;
    const windowS = Math.floor((epochS + endS + instance.skewS) / lengthS) * lengthS;
    const phaseS = instance.flushPhaseS;
    const leavesS = Math.ceil((endS - phaseS) / BATCH_S) * BATCH_S + phaseS;
    const arrivesS = this.#afterLag(leavesS + TRANSIT_S + TRANSIT_SPREAD_S * request.chance);
    const root = { operation, windowS, probability, keptBy, sampled: this.#sampledRoots(request) };
    const second = Math.ceil(arrivesS);
    const together = this.#underway.get(second);
    if (together === undefined) this.#underway.set(second, [root]);
    else together.push(root);
  }

  /** What has arrived by the whole second `timeS`. To be called for each. */
  arrive(timeS: number): void {
    const arrived = this.#underway.get(timeS);
    if (arrived === undefined) return;
    this.#underway.delete(timeS);
    for (const root of arrived) {
      if (root.windowS < this.#readUntilS) this.late += 1;
      else this.#add(root);
    }
  }

  /** Reads the windows that are complete by now; `endS` (Unix seconds) is where the next reading begins. */
  read(timeS: number): { readonly startS: number; readonly endS: number; readonly rows: ThroughputRow[] } {
    const startS = this.#readUntilS;
    const { lags, windowS: lengthS } = this.#options;
    let knownS = timeS;
    for (const { atS, forS } of lags) if (timeS >= atS && timeS < atS + forS) knownS = Math.min(knownS, atS);
    const endS = Math.max(startS, this.#completeS(knownS));
    this.#readUntilS = endS;
    const rows: ThroughputRow[] = [];
    for (let windowS = startS; windowS < endS; windowS += lengthS) {
      const window = this.#windows.get(windowS);
      if (window === undefined) continue;
      this.#windows.delete(windowS);
      for (const [operation, found] of window.operations) rows.push(this.#rowOf(windowS, operation, found));
    }
    return { startS, endS, rows };
  }

  #completeS(timeS: number): number {
    const { epochS, delayS, windowS } = this.#options;
    return Math.floor((epochS + timeS - delayS) / windowS) * windowS;
  }

  #afterLag(timeS: number): number {
    for (const { atS, forS } of this.#options.lags) {
      if (timeS >= atS && timeS < atS + forS) return atS + forS;
    }
    return timeS;
  }

  #add({ operation, windowS, probability, keptBy, sampled }: Root): void {
    let window = this.#windows.get(windowS);
    if (window === undefined) {
      window = { operations: new Map() };
      this.#windows.set(windowS, window);
    }
    let found = window.operations.get(operation);
    if (found === undefined) {
      found = { roots: noRoots(), count: 0, probabilities: new Set() };
      window.operations.set(operation, found);
    }
    addRoots(found.roots, sampled);
    if (this.#options.tags !== 'jaeger' || keptBy === KEPT_BY.nonconforming) return;
    if (keptBy === KEPT_BY.probability) found.count += 1;
    // Legacy clients tell the probability of what their lower bound kept, too.
    if (found.probabilities.size < MAX_PROBABILITIES) found.probabilities.add(sixDecimals(probability));
  }

  #rowOf(
    windowS: number,
    operation: number,
    { roots, count, probabilities }: WindowOperation,
  ): ThroughputRow {
    const named = this.#options.operations[operation] as PipelineOptions['operations'][number];
    return {
      windowS,
      service: named.service,
      operation: named.operation,
      count,
      probabilities: [...probabilities].sort(),
      sampled: sampledRoots(roots),
    };
  }

  /** What a counter of root spans finds in the one span of this request. */
  #sampledRoots({ keptBy, probability, isError, durationS, traceId }: SampledRequest): SampledRoots {
    const { tags, kind } = this.#options;
    const isTagged = tags !== 'none' && keptBy === KEPT_BY.probability;
    const isBounded = tags === 'jaeger' && keptBy === KEPT_BY.lowerBound;
    const adjusted = isTagged ? Math.min(MAX_ADJUSTED, 1 / probability) : 0;
    let variates: Classes = NO_CLASSES;
    if (!isTagged && !isBounded) {
      for (let i = 0; i < 4; i++) this.#bytes.writeUInt32BE(traceId[i] as number, i * 4);
      variates = { classes: [variateClass(traceIdVariate(kind, this.#bytes, 0))], counts: [1] };
    }
    return {
      roots: 1,
      tagged: isTagged ? 1 : 0,
      adjusted,
      adjustedSquares: adjusted * adjusted,
      bounded: isBounded ? 1 : 0,
      variates,
      errors: isError ? 1 : 0,
      durations: { classes: [coarseClassOf(highBitsOf(durationS * 1e9))], counts: [1] },
    };
  }
}
