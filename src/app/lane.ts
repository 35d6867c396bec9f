import type { Clock } from '../base/clock.ts';
import type { Component, Deadline } from '../base/component.ts';
import type { HealthStatus } from '../base/instruments.ts';
import { Budget } from '../flow/budget.ts';
import type { ReceiverType } from '../flow/component-type.ts';
import type { DataPathFlow } from '../flow/data-path.ts';
import type { BlockSink, LaneContext, LaneReceiver } from '../flow/lane.ts';
import { LaneIntake } from '../flow/lane-intake.ts';
import type { LaneProgress } from '../flow/lane-progress.ts';
import { deltaBuffers } from '../red/delta-buffers.ts';
import { DeltaFolder } from '../red/fold-windows.ts';
import type { RedDelta } from '../red/red-rows.ts';
import type { ThroughputRows } from '../sampling/roots/throughput-rows.ts';
import { componentType } from './components.ts';
import { type ContextFor, DataPaths } from './data-paths.ts';
import { intakeInstruments } from './intake-instruments.ts';
import type { FromLane, LaneAnswer, LaneRequest, LaneSetup } from './lane-messages.ts';
import { plainError } from './lane-messages.ts';
import type { ReceiverPlan } from './plan.ts';
import { postProgress } from './progress-posts.ts';
import { RingReader } from './request-ring.ts';
import { notingHealth, StallWatch } from './stall-watch.ts';
import { createRedTap, createThroughputTap } from './taps.ts';

export type Send = (message: FromLane, transfer?: readonly ArrayBuffer[]) => void;

interface ReceiverPath {
  readonly flow: DataPathFlow;
  readonly intake: LaneIntake;
  readonly sinks: readonly BlockSink[];
  readonly receiver: LaneReceiver | undefined;
}

/** One ingest thread's worth of engine: every receiver's data path, from bytes to acknowledgement. */
export class Lane {
  readonly #setup: LaneSetup;
  readonly #send: Send;
  readonly #dataPaths: DataPaths;
  readonly #ring: RingReader;
  readonly #budget: Budget;
  readonly #folders = new Map<string, DeltaFolder>();
  readonly #paths = new Map<string, ReceiverPath>();
  readonly #stalls: StallWatch;
  readonly #stopping = new AbortController();
  readonly #clock: Clock;
  #answers: LaneAnswer[] = [];

  constructor(setup: LaneSetup, contextFor: ContextFor, send: Send) {
    this.#setup = setup;
    this.#ring = new RingReader(setup.ring);
    this.#send = send;
    const { lane, lanes, revision } = setup;
    const post: LaneContext['post'] = (component, message, transfer) =>
      send({ type: 'post', component, message }, transfer);
    const statuses = new Map<string, HealthStatus>();
    const noting = notingHealth(contextFor, statuses);
    this.#dataPaths = new DataPaths(setup.config, noting, { lane, lanes, revision, post });
    const settings = setup.config.service.spanweir;
    this.#budget = new Budget(
      settings.block.maxInFlightBytes,
      contextFor('lane', 'lane').instruments.gauge('spanweir_blocks_in_flight_bytes'),
    );
    for (const plan of setup.plans) this.#paths.set(plan.receiver, this.#createPath(plan));
    this.#clock = contextFor('lane', 'lane').clock;
    this.#stalls = new StallWatch([...this.#paths.values()], {
      ...contextFor('engine:lanes', 'lanes'),
      watchdogMs: settings.watchdogMs,
      statusOf: (key) => statuses.get(key),
      onStuck: (why) => send({ type: 'stuck', why }),
    });
  }

  /** Brings the sinks up. */
  async start(): Promise<void> {
    for (const { sinks } of this.#paths.values()) for (const sink of sinks) await sink.start();
  }

  /** Lets the sources begin. */
  async begin(): Promise<void> {
    for (const { receiver } of this.#paths.values()) await receiver?.start();
    void this.#stalls.run(this.#stopping.signal);
    this.#tellProgress();
  }

  receive({ id, receiver, payload, encoding, timestampMs }: LaneRequest): void {
    const intake = this.#paths.get(receiver)?.intake;
    const bytes = 'place' in payload ? this.#ring.get(payload.place) : payload;
    const answer = intake?.request(bytes, encoding, timestampMs) ?? Promise.reject(new Error(receiver));
    // The intake has looked at the bytes by now, whatever becomes of them.
    if ('place' in payload) this.#ring.done(payload.place);
    answer.then(
      (verdict) => this.#answer({ id, verdict }),
      (error: unknown) => this.#send({ type: 'refusal', id, error: plainError(error) }),
    );
  }

  /** The requests of a block are answered one after the other, and told of at once. */
  #answer(answer: LaneAnswer): void {
    if (this.#answers.push(answer) > 1) return;
    queueMicrotask(() => {
      this.#send({ type: 'answers', answers: this.#answers });
      this.#answers = [];
    });
  }

  quiesce(): void {
    for (const { receiver } of this.#paths.values()) receiver?.quiesce();
  }

  /** Sources first, then what is on its way, then the sinks. */
  async stop(deadline: Deadline): Promise<void> {
    this.#stopping.abort();
    const paths = [...this.#paths.values()];
    const receivers = paths.map(({ receiver }) => receiver).filter((receiver) => receiver !== undefined);
    await Promise.all(receivers.map((receiver) => receiver.stop(deadline)));
    await Promise.all(paths.map(({ intake }) => intake.drain(deadline.signal)));
    for (const { flow } of paths) flow.close();
    const sinks: Component[] = paths.flatMap((path) => [...path.sinks]);
    await Promise.all(sinks.map((sink) => sink.stop(deadline)));
  }

  /** To whoever controls sampling, of the receivers whose roots are counted. */
  #tellProgress(): void {
    const { store, plans } = this.#setup;
    const counting = plans.filter(({ throughput }) => throughput !== undefined);
    if (store === undefined || counting.length === 0) return;
    const paths = counting.flatMap(({ receiver }) => this.#paths.get(receiver) ?? []);
    const component = `extension:${store.extension}`;
    const post = (progress: LaneProgress): void =>
      this.#send({ type: 'post', component, message: { kind: 'progress', progress } });
    void postProgress(paths, this.#clock, post, this.#stopping.signal);
  }

  #createPath(plan: ReceiverPlan): ReceiverPath {
    const path = this.#dataPaths.create(plan, this.#taps(plan));
    const context = this.#dataPaths.context('receiver', plan.receiver);
    const instruments = intakeInstruments(context.instruments, plan.receiver);
    const deps = this.#dataPaths.intakeDeps(path, this.#budget, context, instruments);
    const intake = new LaneIntake(deps, `${this.#setup.lifeId}/${plan.receiver}`);
    const component = this.#setup.config.receivers[plan.receiver];
    const type = componentType<ReceiverType>('receiver', component);
    const receiver = type.createLane?.(component?.config, context, intake);
    return { flow: deps.flow, intake, sinks: path.sinks, receiver };
  }

  #taps(plan: ReceiverPlan): BlockSink[] {
    const { redWanted, store } = this.#setup;
    const taps: BlockSink[] = [];
    const wanted = plan.connectors.filter((id) => redWanted.includes(id));
    if (wanted.length > 0) {
      const folders = new Map(wanted.map((id) => [id, this.#folder(id)]));
      const send = (connector: string, delta: RedDelta): void =>
        this.#send({ type: 'red', connector, delta }, deltaBuffers(delta));
      taps.push(createRedTap(folders, send));
    }
    if (plan.throughput !== undefined && store !== undefined && store.exporter === undefined) {
      const component = `extension:${store.extension}`;
      const send = (rows: ThroughputRows): void =>
        this.#send({ type: 'post', component, message: { kind: 'throughput', rows } });
      taps.push(createThroughputTap(send));
    }
    return taps;
  }

  /** One a connector, whatever receivers it serves: it knows which series main was told of. */
  #folder(connector: string): DeltaFolder {
    const known = this.#folders.get(connector);
    if (known !== undefined) return known;
    const { series, eventSeries } = this.#dataPaths.connector(connector);
    const folder = new DeltaFolder(series, eventSeries);
    this.#folders.set(connector, folder);
    return folder;
  }
}
