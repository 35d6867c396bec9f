import type { Clock } from '../base/clock.ts';
import type { ComponentContext } from '../base/component.ts';
import type { HealthReporter, HealthStatus, Log } from '../base/instruments.ts';
import type { BlockSink, LaneReceiver, Stall } from '../flow/lane.ts';

export interface StallWatchDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly health: HealthReporter;
  /** As `service.spanweir.watchdog`; 0 = never. */
  readonly watchdogMs: number;
  /** As its components said last. */
  readonly statusOf: (key: string) => HealthStatus | undefined;
  /** The thread should be replaced. */
  readonly onStuck: (why: string) => void;
}

/** A receiver and what its blocks are written to. */
export interface WatchedPath {
  readonly receiver: LaneReceiver | undefined;
  readonly sinks: readonly Pick<BlockSink, 'id' | 'stored'>[];
}

/** Beyond so many watchdogs without any move a thread is replaced. */
const PATIENCE = 4;
const PROBE_MS = 5000;

/**
 * Looks for receivers that have something to do and do not move. Waiting for an exporter that is not well is no such
 * thing: nothing is replaced before every exporter has been well all the time and those that can be asked have answered.
 */
export class StallWatch {
  readonly #deps: StallWatchDeps;
  readonly #paths: readonly WatchedPath[];
  #wellSinceMs: number;
  #askAgainMs = 0;
  #isTold = false;

  constructor(paths: readonly WatchedPath[], deps: StallWatchDeps) {
    this.#paths = paths;
    this.#deps = deps;
    this.#wellSinceMs = deps.clock.monotonicMs();
  }

  async run(over: AbortSignal): Promise<void> {
    const { clock, watchdogMs } = this.#deps;
    if (watchdogMs === 0) return;
    while (!over.aborted) {
      await clock.sleep(Math.min(1000, watchdogMs / 5), over);
      if (!over.aborted) await this.look();
    }
  }

  async look(): Promise<void> {
    const { clock, health, onStuck, watchdogMs } = this.#deps;
    const nowMs = clock.monotonicMs();
    // Receivers of one lane share what it may hold: an exporter that is away keeps all of them waiting.
    if (!this.#areAllWell()) this.#wellSinceMs = nowMs;
    const wellMs = nowMs - this.#wellSinceMs;
    let told: string | undefined;
    for (const { receiver } of this.#paths) {
      const seen = receiver?.stalled?.();
      if (receiver === undefined || seen === undefined) continue;
      const stall = {
        ...seen,
        allMs: Math.min(seen.allMs, wellMs),
        partitionMs: Math.min(seen.partitionMs, wellMs),
      };
      const isAll = stall.allMs >= watchdogMs;
      if (!isAll && stall.partitionMs < PATIENCE * watchdogMs) continue;
      told ??= reasonOf(receiver.id, stall, isAll);
      const isTooLong = stall.allMs >= PATIENCE * watchdogMs && nowMs >= this.#askAgainMs;
      if (!isTooLong) continue;
      this.#askAgainMs = nowMs + watchdogMs;
      if (await this.#doAllAnswer(stall)) return onStuck(reasonOf(receiver.id, stall, true));
    }
    if (told !== undefined) health.report('recoverable', told);
    else if (this.#isTold) health.report('ok');
    this.#isTold = told !== undefined;
  }

  #areAllWell(): boolean {
    return this.#paths.every(({ sinks }) =>
      sinks.every(({ id }) => (this.#deps.statusOf(`exporter:${id}`) ?? 'ok') === 'ok'),
    );
  }

  /** Asks for something that is not there: what counts is the answer. */
  async #doAllAnswer({ partition }: Stall): Promise<boolean> {
    const sinks = this.#paths.flatMap((path) => path.sinks);
    try {
      const signal = AbortSignal.timeout(PROBE_MS);
      await Promise.all(sinks.map(async (sink) => sink.stored?.(partition, Number.MAX_SAFE_INTEGER, signal)));
      return true;
    } catch (err) {
      this.#deps.log.warn({ err }, 'nothing moves, and an exporter does not answer: waiting for it');
      return false;
    }
  }
}

function reasonOf(receiver: string, { allMs, partition, partitionMs }: Stall, isAll: boolean): string {
  const seconds = Math.round((isAll ? allMs : partitionMs) / 1000);
  const where = `${partition.topic}/${partition.partition}`;
  return isAll
    ? `${receiver} has moved nothing for ${seconds} s though messages wait and every exporter is well (${where})`
    : `${receiver} has not moved ${where} for ${seconds} s though messages wait`;
}

/** Contexts that remember how each component feels. */
export function notingHealth<C extends ComponentContext>(
  contextFor: (key: string, id: string) => C,
  statuses: Map<string, HealthStatus>,
): (key: string, id: string) => C {
  return (key, id) => {
    const context = contextFor(key, id);
    return {
      ...context,
      health: {
        report: (status, reason) => {
          statuses.set(key, status);
          context.health.report(status, reason);
        },
      },
    };
  };
}
