import { randomBytes } from 'node:crypto';
import { aborted } from '../base/aborted.ts';
import { systemClock } from '../base/clock.ts';
import type { Component, ComponentContext, Deadline } from '../base/component.ts';
import { toError } from '../base/errors.ts';
import { healthGroups } from '../config/health-groups.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { createExposition } from '../telemetry/exposition.ts';
import { HealthRegistry } from '../telemetry/health.ts';
import { createInstruments } from '../telemetry/instruments.ts';
import { createLog, type RootLog } from '../telemetry/logger.ts';
import { createMetricsEndpoint } from '../telemetry/metrics-endpoint.ts';
import { MetricsHub } from '../telemetry/metrics-hub.ts';
import { deadlineIn, shareOf } from './deadline.ts';
import { Host } from './host.ts';
import { Lanes } from './lanes.ts';
import { createListeners, type OpenableListeners } from './listeners.ts';
import { makesRows, planReceivers, samplingStore } from './plan.ts';
import { revisionOf } from './revision.ts';
import { watched } from './start-watch.ts';

/** Of the time for a stop, what draining may take; the rest is for closing what remains. */
const DRAIN_SHARE = 0.75;

export interface RunOptions {
  /** Aborts = stop in order. */
  readonly stop: AbortSignal;
  /** Called when everything is up. */
  readonly onReady?: () => void;
}

/**
 * Runs the engine until it is told to stop. Resolves with the exit code; rejects when it could not start, or can not
 * go on.
 */
export async function run(config: LoadedConfig, options: RunOptions): Promise<number> {
  const log = createLog(config.service.telemetry.logs);
  for (const warning of config.warnings) log.warn({}, warning);
  const engine = new Engine(config, log);
  try {
    await engine.start(options.stop);
    if (!options.stop.aborted) {
      log.info({}, 'Everything is ready');
      options.onReady?.();
      await Promise.race([aborted(options.stop), engine.failure.then((error) => Promise.reject(error))]);
    }
  } finally {
    await engine.stop();
  }
  return 0;
}

/** All parts of one running engine, in the order in which they start. */
class Engine {
  readonly #config: LoadedConfig;
  readonly #log: RootLog;
  readonly #hub = new MetricsHub();
  readonly #instruments = createInstruments((slot) => this.#hub.accept('main', slot));
  readonly #health = new HealthRegistry(systemClock, this.#instruments);
  readonly #listeners: OpenableListeners;
  readonly #host: Host;
  readonly #lanes: Lanes;
  readonly #started: Component[] = [];
  /** Resolves with why the engine can not go on. */
  readonly failure: Promise<Error>;
  #fail: (error: Error) => void = () => {};
  /** A step of the start that a stop came into. */
  #interrupted: Promise<unknown> = Promise.resolve();

  constructor(config: LoadedConfig, log: RootLog) {
    this.#config = config;
    this.#log = log;
    this.failure = new Promise((resolve) => {
      this.#fail = resolve;
    });
    for (const { key, groups } of healthGroups(config)) this.#health.declare(key, groups);
    this.#listeners = createListeners({
      log: log.child({ component: 'listeners' }),
      clock: systemClock,
      instruments: this.#instruments,
    });
    this.#host = new Host(config, {
      listeners: this.#listeners,
      contextFor: (key, id) => this.#context(key, id),
      ingressFor: (receiver) => (payload, encoding, timestampMs) =>
        this.#lanes.request(receiver, payload, encoding, timestampMs),
      peers: {
        'spanweir.health': this.#health,
        'spanweir.metrics': this.#hub,
        'spanweir.config': config,
        'spanweir.connectors': Object.keys(config.connectors).filter((id) => makesRows(config, id)),
      },
    });
    this.#lanes = this.#createLanes();
  }

  async start(stop: AbortSignal): Promise<void> {
    const { metrics } = this.#config.service.telemetry;
    const own =
      metrics.level === 'none'
        ? []
        : [createMetricsEndpoint(metrics, this.#listeners, createExposition(this.#hub, systemClock))];
    const steps = [
      ...[...own, ...this.#host.components].map((component) => ({
        waitsFor: component.id,
        run: () => {
          this.#started.push(component);
          return component.start();
        },
      })),
      { waitsFor: 'ingest threads', run: () => this.#lanes.start() },
      { waitsFor: 'listeners', run: () => this.#listeners.open() },
      { waitsFor: 'ingest threads', run: () => this.#lanes.begin() },
    ];
    if (!stop.aborted) this.#lanes.prepare();
    const stopped = aborted(stop);
    for (const step of steps) {
      if (stop.aborted) return;
      const running = watched(step, { clock: systemClock, log: this.#log });
      await Promise.race([running, stopped]);
      // What is still starting now is stopped like the rest; how its start ends is of no consequence.
      if (stop.aborted) this.#interrupted = running.catch(() => undefined);
    }
  }

  /** Sources first. New requests are refused from the first moment, those in hand are finished. */
  async stop(): Promise<void> {
    const deadline = deadlineIn(this.#config.service.spanweir.shutdownTimeoutMs);
    const drain = shareOf(deadline, DRAIN_SHARE);
    try {
      await this.#lanes.stop(drain);
      await Promise.all(this.#started.map(async (component) => component.drained?.(drain)));
      await this.#listeners.close(drain);
      for (const component of this.#started.reverse()) await this.#stopOne(component, deadline);
      await Promise.race([this.#interrupted, aborted(deadline.signal)]);
    } finally {
      drain.clear();
      deadline.clear();
    }
    this.#log.info({}, 'Stopped');
  }

  async #stopOne(component: Component, deadline: Deadline): Promise<void> {
    try {
      await component.stop(deadline);
    } catch (err) {
      this.#log.error({ err: toError(err), component: component.id }, 'a component did not stop in order');
    }
  }

  #createLanes(): Lanes {
    const config = this.#config;
    const lanes = config.service.spanweir.workers;
    return new Lanes({
      setup: {
        config,
        plans: planReceivers(config),
        store: samplingStore(config),
        revision: revisionOf(config),
        lanes,
        redWanted: this.#host.redWanted,
      },
      processId: randomBytes(8).toString('hex'),
      clock: systemClock,
      random: Math.random,
      log: this.#log.child({ component: 'lanes' }),
      onEvent: (life, lane, event) => {
        switch (event.type) {
          case 'slot':
            this.#hub.accept(`lane ${life}`, event.slot);
            break;
          case 'health':
            this.#health.report(event.key, `lane ${lane}`, event.status, event.reason);
            break;
          case 'post':
            this.#host.post(life, event.component, event.message);
            break;
          case 'red':
            this.#host.red(life, event.connector, event.delta);
            break;
        }
      },
      onHealth: (lane, status, reason) => this.#health.report('engine:lanes', `lane ${lane}`, status, reason),
      deaths: (reason) => this.#instruments.counter('spanweir_worker_deaths_total', { reason }),
      onEnd: (life) => {
        this.#hub.retire(`lane ${life}`);
        this.#host.forget(life);
      },
      onFatal: (error) => {
        this.#log.error({ err: error }, 'the engine can not go on: stopping');
        this.#fail(error);
      },
    });
  }

  #context(key: string, id: string): ComponentContext {
    return {
      id,
      clock: systemClock,
      random: Math.random,
      log: this.#log.child({ component: key }),
      instruments: this.#instruments,
      health: this.#health.reporter(key),
    };
  }
}
