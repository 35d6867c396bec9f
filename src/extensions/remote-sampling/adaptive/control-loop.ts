import type { ComponentContext } from '../../../base/component.ts';
import { toError } from '../../../base/errors.ts';
import type {
  Conformance,
  Controller,
  ServicePollers,
  TraceCost,
} from '../../../sampling/adaptive/controller.ts';
import type { Override } from '../../../sampling/adaptive/options.ts';
import { initialBuckets } from '../../../sampling/jaeger/initial-buckets.ts';
import { JaegerController } from '../../../sampling/jaeger/jaeger-controller.ts';
import { jaegerRows } from '../../../sampling/jaeger/throughput.ts';
import type { ThroughputRow } from '../../../sampling/roots/throughput-rows.ts';
import type {
  Algorithm,
  ControlMode,
  DecidedOperation,
  DecisionRound,
  SamplingStore,
} from '../../../sampling/store/store.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import { withServed } from '../../../sampling/strategies/with-served.ts';
import type { CompleteWindows } from './complete-windows.ts';
import type { DecisionLog } from './decision-log.ts';

export interface ControlLoopDeps {
  readonly createController: () => Controller<ThroughputRow>;
  readonly algorithm: Algorithm;
  readonly mode: ControlMode;
  /** Length of the windows that throughput is counted in. */
  readonly windowMs: number;
  /** Of Jaeger's algorithm: how many intervals of what length it begins with. */
  readonly buckets: { readonly count: number; readonly intervalMs: number };
  readonly store: SamplingStore;
  readonly windows: CompleteWindows;
  readonly pollers: (
    nowMs: number,
  ) => ReadonlyMap<string, ServicePollers> | Promise<ReadonlyMap<string, ServicePollers>>;
  /** What traces cost; undefined where nobody wants to know. */
  readonly costs: (() => Promise<Costs>) | undefined;
  /** What is decided elsewhere; see ControlRound. */
  readonly pins?: () => readonly Override[] | undefined;
  /** Who decides, for the record. */
  readonly decidedBy: string;
  /** Makes it what is served; resolves with its version. */
  readonly publish: (snapshot: StrategySnapshot) => Promise<number>;
  readonly context: Pick<ComponentContext, 'clock' | 'log' | 'instruments' | 'health'>;
}

type Costs = ReadonlyMap<string, ReadonlyMap<string, TraceCost>>;

/** A controller that takes over looks no further back: what is older tells little, and may be much. */
const LOOK_BACK_MS = 1_200_000;
/** Windows that are read in one go when many have become complete at once. */
const CHUNK_WINDOWS = 60;

const FULL_EVERY_MS = 300_000;

const NOT_FOLLOWING: readonly Conformance[] = ['samples_more', 'samples_less', 'not_uniform'];

/** One reign of one controller: restored once, then round after round. Whoever loses office throws it away. */
export class ControlLoop {
  readonly #deps: ControlLoopDeps;
  readonly #controller: Controller<ThroughputRow>;
  readonly #count: ReturnType<typeof instrumentsOf>;
  readonly #log: DecisionLog;
  #published: StrategySnapshot | undefined;
  #version = 0;
  /** End of the newest window that was decided on, Unix ms, on the grid of windows. */
  #decidedUntilMs = Number.NaN;
  #fullAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: ControlLoopDeps, log: DecisionLog) {
    this.#deps = deps;
    this.#log = log;
    this.#controller = deps.createController();
    this.#count = instrumentsOf(deps.context.instruments);
  }

  /** What stands for each operation and why. */
  standing(): readonly DecidedOperation[] {
    return this.#controller.standing();
  }

  /** What is to be served, as far as it is decided. */
  snapshot(): StrategySnapshot {
    return this.#controller.snapshot();
  }

  /**
   * Goes on from what is stored. Where `served` says otherwise, that holds: it is what SDKs have got. Without it
   * what stands is published. Rejects, retryable, while the store is away.
   */
  async restore(served: StrategySnapshot | undefined): Promise<void> {
    const { store, context, windows, windowMs } = this.#deps;
    const latest = await store.latestDecisions();
    const nowMs = context.clock.wallMs();
    const endMs = onGrid(nowMs - windows.delayMs, windowMs);
    const stored = withServed(latest, served, nowMs);
    this.#controller.restore(stored, nowMs);
    if (this.#controller instanceof JaegerController) {
      this.#controller.remember(await this.#initialBuckets(endMs));
      this.#decidedUntilMs = endMs;
    } else {
      const knownUntilMs = onGrid(latest?.dataUntilMs ?? endMs, windowMs);
      this.#decidedUntilMs = Math.min(endMs, Math.max(knownUntilMs, endMs - onGrid(LOOK_BACK_MS, windowMs)));
    }
    this.#version = Math.max(latest?.version ?? 0, served?.version ?? 0);
    if (served === undefined) await this.#publish();
    else this.#published = this.#controller.snapshot();
    this.#gauges();
    context.health.report('ok');
    context.log.info({ operations: stored.length }, 'took over stored probabilities');
  }

  /**
   * Decides on all windows that have become complete. A store that fails is counted and costs the round, nothing
   * else: what is served stays. Rejects only where publishing does.
   */
  async round(): Promise<void> {
    const nowMs = this.#deps.context.clock.wallMs();
    const untilMs = await this.#tried('throughput', 'failed to get throughput from storage', () =>
      this.#deps.windows.completeUntilMs(nowMs),
    );
    if (untilMs === undefined) return;
    const endMs = onGrid(untilMs, this.#deps.windowMs);
    const decisions = new Map<string, DecidedOperation>();
    let isWhole = true;
    while (isWhole && this.#decidedUntilMs < endMs) isWhole = await this.#step(nowMs, endMs, decisions);
    await this.#publish();
    this.#gauges();
    const { algorithm, mode, decidedBy } = this.#deps;
    const round: DecisionRound = {
      version: this.#version,
      decidedAtMs: nowMs,
      dataUntilMs: this.#decidedUntilMs,
      decidedBy,
      algorithm,
      mode,
      decisions: this.#isFullDue(nowMs) ? this.standing() : [...decisions.values()],
    };
    const isSaved = await this.#tried('decisions', 'could not save probabilities', async () => {
      await this.#log.save(round);
      return true;
    });
    if (isSaved === true && isWhole) this.#deps.context.health.report('ok');
  }

  /** All that stands is stored again from time to time: what a restart needs is never far back. */
  #isFullDue(nowMs: number): boolean {
    if (nowMs - this.#fullAtMs < FULL_EVERY_MS) return false;
    this.#fullAtMs = nowMs;
    return true;
  }

  /** One chunk of windows; false when the store failed. */
  async #step(nowMs: number, endMs: number, decisions: Map<string, DecidedOperation>): Promise<boolean> {
    const { store, windowMs, pollers, costs, pins } = this.#deps;
    const startMs = this.#decidedUntilMs;
    const chunkMs = this.#controller instanceof JaegerController ? endMs - startMs : CHUNK_WINDOWS * windowMs;
    const untilMs = Math.min(endMs, startMs + chunkMs);
    const input = await this.#tried('throughput', 'failed to get throughput from storage', async () => ({
      rows: await store.throughput(startMs, untilMs),
      pollers: await pollers(nowMs),
      ...(costs !== undefined && { costs: await costs() }),
    }));
    if (input === undefined) return false;
    const made = this.#controller.round({ nowMs, startMs, endMs: untilMs, ...input, pins: pins?.() });
    for (const each of made) decisions.set(`${each.service}\u0000${each.operation}`, each);
    this.#decidedUntilMs = untilMs;
    this.#count.rounds.add(1);
    this.#deps.context.log.debug({ operations: made.length, rows: input.rows.length }, 'recomputed');
    return true;
  }

  async #publish(): Promise<void> {
    const snapshot = this.#controller.snapshot();
    if (snapshot === this.#published) return;
    this.#version = await this.#deps.publish({ ...snapshot, version: this.#version + 1 });
    this.#published = snapshot;
  }

  async #initialBuckets(endMs: number) {
    const { store, windowMs, buckets } = this.#deps;
    const read = async (startMs: number, untilMs: number) =>
      jaegerRows(await store.throughput(startMs, untilMs));
    return await initialBuckets(read, endMs, onGrid(buckets.intervalMs, windowMs), buckets.count);
  }

  #gauges(): void {
    const { services } = this.#controller.snapshot();
    let operations = 0;
    for (const { operationSampling } of services.values()) {
      operations += operationSampling?.perOperationStrategies.length ?? 0;
    }
    this.#count.operations.set(operations);
    this.#count.services.set(services.size);
    this.#count.dataUntil.set(this.#decidedUntilMs / 1000);
    const defaults = this.#controller.standing().filter(({ operation }) => operation === '');
    for (const { conformance, gauge } of this.#count.notFollowing) {
      gauge.set(defaults.filter((each) => each.conformance === conformance).length);
    }
  }

  async #tried<T>(
    action: 'throughput' | 'decisions',
    message: string,
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#count.storeErrors[action].add(1);
      this.#deps.context.log.warn({ err: toError(error) }, message);
      this.#deps.context.health.report('recoverable', `${message}: ${toError(error).message}`);
      return undefined;
    }
  }
}

/** Round after round until the signal; those that were slept through are not made up for. Rejects where a round does. */
export async function runRounds(
  loop: Pick<ControlLoop, 'round'>,
  intervalMs: number,
  { clock }: Pick<ComponentContext, 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  let nextMs = clock.monotonicMs() + intervalMs;
  while (!signal.aborted) {
    await clock.sleep(nextMs - clock.monotonicMs(), signal);
    if (signal.aborted) return;
    await loop.round();
    const behindMs = clock.monotonicMs() - nextMs;
    nextMs += intervalMs * (1 + Math.max(0, Math.floor(behindMs / intervalMs)));
  }
}

function onGrid(ms: number, windowMs: number): number {
  return Math.floor(ms / windowMs) * windowMs;
}

function instrumentsOf(instruments: ComponentContext['instruments']) {
  const storeErrors = (action: string) =>
    instruments.counter('spanweir_sampling_store_errors_total', { action });
  return {
    rounds: instruments.counter('spanweir_sampling_recomputations_total'),
    operations: instruments.gauge('spanweir_sampling_operations'),
    services: instruments.gauge('spanweir_sampling_services'),
    dataUntil: instruments.gauge('spanweir_sampling_decided_until_seconds'),
    notFollowing: NOT_FOLLOWING.map((conformance) => ({
      conformance,
      gauge: instruments.gauge('spanweir_sampling_not_following_services', { conformance }),
    })),
    storeErrors: { throughput: storeErrors('throughput'), decisions: storeErrors('decisions') },
  };
}
