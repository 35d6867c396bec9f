import { aborted } from '../../../base/aborted.ts';
import type { ComponentContext, Deadline } from '../../../base/component.ts';
import { toError } from '../../../base/errors.ts';
import { jittered } from '../../../sampling/jitter.ts';
import type { DecidedOperation } from '../../../sampling/store/store.ts';
import type { StrategySnapshot } from '../../../sampling/strategies/snapshot.ts';
import type { StrategyProvider } from '../strategy-provider.ts';
import { ControlLoop, type ControlLoopDeps, runRounds } from './control-loop.ts';
import { DecisionLog } from './decision-log.ts';

/** Of a process that decides and serves in one. */
export interface AdaptiveDeps extends Omit<ControlLoopDeps, 'publish' | 'context'> {
  readonly intervalMs: number;
  readonly context: ControlLoopDeps['context'] & Pick<ComponentContext, 'random'>;
}

/** How long the start waits for a store before it serves defaults and goes on trying. */
const RESTORE_WAIT_MS = 5000;
const RESTORE_RETRY_MS = 5000;

/**
 * Decides in this very process, and serves the outcome at once. While the store can't be reached the last
 * strategies stay.
 */
export class AdaptiveProvider implements StrategyProvider {
  readonly #deps: AdaptiveDeps;
  readonly #loop: ControlLoop;
  readonly #stopping = new AbortController();
  #snapshot: StrategySnapshot;
  #running: Promise<void> | undefined;
  #restored = false;

  constructor(deps: AdaptiveDeps) {
    this.#deps = deps;
    const publish = (snapshot: StrategySnapshot): Promise<number> => {
      this.#snapshot = snapshot;
      return Promise.resolve(snapshot.version);
    };
    this.#loop = new ControlLoop({ ...deps, publish }, new DecisionLog(deps.store));
    this.#snapshot = this.#loop.snapshot();
  }

  get snapshot(): StrategySnapshot {
    return this.#snapshot;
  }

  decisions(): readonly DecidedOperation[] {
    return this.#loop.standing();
  }

  async start(): Promise<void> {
    const { clock } = this.#deps.context;
    const first = this.#restore();
    const patience = new AbortController();
    await Promise.race([first, clock.sleep(RESTORE_WAIT_MS, patience.signal)]);
    patience.abort();
    this.#running = this.#run(first);
  }

  /** Waits for a round in hand, which waits for the store, no longer than the deadline. */
  async stop(deadline: Deadline): Promise<void> {
    this.#stopping.abort();
    await Promise.race([this.#running, aborted(deadline.signal)]);
  }

  async #run(first: Promise<void>): Promise<void> {
    const { context, intervalMs } = this.#deps;
    const { signal } = this.#stopping;
    await first;
    while (!this.#restored && !signal.aborted) {
      await context.clock.sleep(jittered(RESTORE_RETRY_MS, context.random), signal);
      if (!signal.aborted) await this.#restore();
    }
    await runRounds(this.#loop, intervalMs, context, signal);
  }

  async #restore(): Promise<void> {
    const { log, health, instruments } = this.#deps.context;
    try {
      await this.#loop.restore(undefined);
      this.#restored = true;
    } catch (error) {
      const message = 'could not read stored probabilities, serving defaults';
      instruments.counter('spanweir_sampling_store_errors_total', { action: 'restore' }).add(1);
      log.warn({ err: toError(error) }, message);
      health.report('recoverable', `${message}: ${toError(error).message}`);
    }
  }
}
