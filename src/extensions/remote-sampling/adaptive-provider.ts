import { aborted } from '../../base/aborted.ts';
import type { ComponentContext, Deadline } from '../../base/component.ts';
import { toError } from '../../base/errors.ts';
import { AdaptiveControl, type StandingDecision } from '../../sampling/adaptive-control.ts';
import type { Decision } from '../../sampling/decision.ts';
import { initialBuckets } from '../../sampling/initial-buckets.ts';
import { jittered } from '../../sampling/jitter.ts';
import type { AdaptiveOptions } from '../../sampling/options.ts';
import type { StrategySnapshot } from '../../sampling/snapshot.ts';
import type { DecidedOperation, SamplingStore } from '../../sampling/store.ts';
import { jaegerRows } from '../../sampling/throughput.ts';
import { weightedQps } from '../../sampling/weights.ts';
import type { StrategyProvider } from './strategy-provider.ts';

export interface AdaptiveDeps {
  readonly options: AdaptiveOptions;
  /** Length of the windows that throughput is counted in. */
  readonly windowMs: number;
  readonly store: SamplingStore;
  /** Who decides, for the record. */
  readonly decidedBy: string;
  /** Operations that were forgotten stay listed at the default for a while. */
  readonly listRetired: boolean;
  readonly context: Pick<ComponentContext, 'clock' | 'random' | 'log' | 'instruments' | 'health'>;
}

/** How long the start waits for a store before it serves defaults and goes on trying. */
const RESTORE_WAIT_MS = 5000;
const RESTORE_RETRY_MS = 5000;

/**
 * The control loop: every `calculation_interval` it reads the throughput that has become old enough, decides,
 * and serves the outcome at once. While the store can't be reached the last strategies stay.
 */
export class AdaptiveProvider implements StrategyProvider {
  readonly #deps: AdaptiveDeps;
  readonly #control: AdaptiveControl;
  readonly #stopping = new AbortController();
  readonly #count: ReturnType<typeof counters>;
  #snapshot: StrategySnapshot;
  #loop: Promise<void> | undefined;
  #restored = false;
  #version = 0;
  /** End of the newest bucket, Unix ms, on the grid of windows. */
  #checkedUntilMs: number;

  constructor(deps: AdaptiveDeps) {
    this.#deps = deps;
    this.#control = new AdaptiveControl(deps.options);
    this.#count = counters(deps.context.instruments);
    this.#snapshot = this.#control.snapshot(deps.context.clock.wallMs(), deps.listRetired);
    this.#checkedUntilMs = this.#readableUntilMs();
  }

  get snapshot(): StrategySnapshot {
    return this.#snapshot;
  }

  decisions(): readonly StandingDecision[] {
    return this.#control.standing();
  }

  async start(): Promise<void> {
    const { clock } = this.#deps.context;
    const first = this.#restore();
    const patience = new AbortController();
    await Promise.race([first, clock.sleep(RESTORE_WAIT_MS, patience.signal)]);
    patience.abort();
    this.#loop = this.#run(first);
  }

  /** Waits for a round in hand, which waits for the store, no longer than the deadline. */
  async stop(deadline: Deadline): Promise<void> {
    this.#stopping.abort();
    await Promise.race([this.#loop, aborted(deadline.signal)]);
  }

  /** One round; a store that fails is counted and costs the round, nothing else. */
  async tick(): Promise<void> {
    const { store, options, context, decidedBy } = this.#deps;
    const startMs = this.#checkedUntilMs;
    const endMs = this.#readableUntilMs();
    if (endMs <= startMs) return;
    let rows: Awaited<ReturnType<SamplingStore['throughput']>>;
    try {
      rows = await store.throughput(startMs, endMs);
    } catch (error) {
      return this.#storeFailed('throughput', 'failed to get throughput from storage', error);
    }
    const nowMs = context.clock.wallMs();
    const decisions = this.#control.round(jaegerRows(rows), { startMs, endMs }, nowMs);
    this.#checkedUntilMs = endMs;
    this.#publish();
    this.#count.recomputations.add(1);
    context.log.debug({ operations: decisions.length, target: options.targetSamplesPerSecond }, 'recomputed');
    try {
      await store.insertDecisions({
        version: ++this.#version,
        decidedAtMs: nowMs,
        dataUntilMs: endMs,
        decidedBy,
        algorithm: 'jaeger',
        mode: 'control',
        decisions: decisions.map((decision) => decidedByJaeger(decision, nowMs)),
      });
      context.health.report('ok');
    } catch (error) {
      this.#storeFailed('decisions', 'could not save probabilities', error);
    }
  }

  async #run(first: Promise<void>): Promise<void> {
    const { context, options } = this.#deps;
    const { clock, random } = context;
    const { signal } = this.#stopping;
    await first;
    while (!this.#restored && !signal.aborted) {
      await clock.sleep(jittered(RESTORE_RETRY_MS, random), signal);
      if (!signal.aborted) await this.#restore();
    }
    let nextMs = clock.monotonicMs() + options.calculationIntervalMs;
    while (!signal.aborted) {
      await clock.sleep(nextMs - clock.monotonicMs(), signal);
      if (signal.aborted) return;
      await this.tick();
      // Rounds keep their rhythm; those that were slept through are not made up for.
      const behindMs = clock.monotonicMs() - nextMs;
      nextMs +=
        options.calculationIntervalMs *
        (1 + Math.max(0, Math.floor(behindMs / options.calculationIntervalMs)));
    }
  }

  async #restore(): Promise<void> {
    const { store, options, windowMs, context } = this.#deps;
    const { clock } = context;
    try {
      const latest = await store.latestDecisions();
      const stored = (latest?.decisions ?? []).map(({ service, operation, probability, inputs }) => ({
        service,
        operation,
        probability,
        qps: weightedQps(inputs?.qps ?? []),
        decidedAtMs: latest?.decidedAtMs ?? 0,
      }));
      this.#version = latest?.version ?? 0;
      const endMs = this.#readableUntilMs();
      const intervalMs = onGrid(options.calculationIntervalMs, windowMs);
      const buckets = await initialBuckets(
        async (startMs, untilMs) => jaegerRows(await store.throughput(startMs, untilMs)),
        endMs,
        intervalMs,
        options.aggregationBuckets,
      );
      this.#control.restore(stored, buckets, clock.wallMs());
      this.#checkedUntilMs = endMs;
      this.#restored = true;
      this.#publish();
      context.health.report('ok');
      context.log.info(
        { operations: stored.length, buckets: buckets.length },
        'took over stored probabilities',
      );
    } catch (error) {
      this.#storeFailed('restore', 'could not read stored probabilities, serving defaults', error);
    }
  }

  #publish(): void {
    this.#snapshot = this.#control.snapshot(this.#deps.context.clock.wallMs(), this.#deps.listRetired);
    this.#count.operations.set(this.#control.operations);
    this.#count.services.set(this.#snapshot.services.size);
  }

  #readableUntilMs(): number {
    const { options, windowMs, context } = this.#deps;
    return onGrid(context.clock.wallMs() - options.calculationDelayMs, windowMs);
  }

  #storeFailed(action: 'throughput' | 'decisions' | 'restore', message: string, error: unknown): void {
    this.#count.storeErrors[action].add(1);
    this.#deps.context.log.warn({ err: toError(error) }, message);
    this.#deps.context.health.report('recoverable', `${message}: ${toError(error).message}`);
  }
}

function decidedByJaeger(decision: Decision, nowMs: number): DecidedOperation {
  const { service, operation, probability, previous, reason, target, inputs } = decision;
  const nothing = Number.NaN;
  return {
    service,
    operation,
    probability,
    previous,
    changedAtMs: nowMs,
    rule: reason,
    rate: nothing,
    rateLow: nothing,
    rateHigh: nothing,
    samples: nothing,
    overS: nothing,
    target,
    budgetShare: nothing,
    conformance: 'unknown',
    gateLow: nothing,
    gateHigh: nothing,
    lowerBound: nothing,
    inputs,
  };
}

function onGrid(ms: number, windowMs: number): number {
  return Math.floor(ms / windowMs) * windowMs;
}

function counters(instruments: ComponentContext['instruments']) {
  const storeErrors = (action: string) =>
    instruments.counter('spanweir_sampling_store_errors_total', { action });
  return {
    recomputations: instruments.counter('spanweir_sampling_recomputations_total'),
    operations: instruments.gauge('spanweir_sampling_operations'),
    services: instruments.gauge('spanweir_sampling_services'),
    storeErrors: {
      throughput: storeErrors('throughput'),
      decisions: storeErrors('decisions'),
      restore: storeErrors('restore'),
    },
  };
}
