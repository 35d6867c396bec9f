import { systemClock } from '../base/clock.ts';
import type { Component, ComponentContext, Deadline } from '../base/component.ts';
import { BatchPool, type BatchSize } from '../flow/batch-pool.ts';
import { Budget } from '../flow/budget.ts';
import type { ConnectorType, ExporterType, ProcessorType, ReceiverType } from '../flow/component-type.ts';
import { type DataPath, DataPathFlow } from '../flow/data-path.ts';
import type { BlockLimits, Scan } from '../flow/intake-shared.ts';
import type { BlockSink, LaneContext, LaneReceiver, RedConnector } from '../flow/lane.ts';
import { LaneIntake } from '../flow/lane-intake.ts';
import { DeltaFolder } from '../red/fold-windows.ts';
import type { RedDelta } from '../red/red-rows.ts';
import type { ThroughputRows } from '../sampling/throughput-rows.ts';
import { Dictionary } from '../span/dictionary.ts';
import { blockLimits } from './block-limits.ts';
import { componentType } from './components.ts';
import { intakeInstruments } from './intake-instruments.ts';
import type { FromLane, LaneSetup, ToLane } from './lane-messages.ts';
import { plainError } from './lane-messages.ts';
import { histogramReaders, type ReceiverPlan } from './plan.ts';
import { createScan } from './scan.ts';
import { createRedTap, createThroughputTap } from './taps.ts';

/** Blocks that one receiver writes at the same time: enough to keep the database busy while the next is encoded. */
const WRITES_AT_ONCE = 4;

/** Of one receiver, kept for the next block: a few partitions' worth. */
const IDLE_BATCHES = 16;
/** With some ten attributes. */
const USUAL_SPAN_BYTES = 512;

export type Send = (message: FromLane, transfer?: readonly ArrayBuffer[]) => void;

/** What the lane's thread has of the process: its logs, instruments and health. */
export type ContextFor = (key: string, id: string) => ComponentContext;

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
  readonly #contextFor: ContextFor;
  readonly #dictionary = new Dictionary();
  readonly #budget: Budget;
  readonly #scan: Scan;
  readonly #connectors = new Map<string, RedConnector>();
  readonly #folders = new Map<string, DeltaFolder>();
  readonly #paths = new Map<string, ReceiverPath>();

  constructor(setup: LaneSetup, contextFor: ContextFor, send: Send) {
    this.#setup = setup;
    this.#send = send;
    this.#contextFor = contextFor;
    const settings = setup.config.service.spanweir;
    this.#budget = new Budget(
      settings.block.maxInFlightBytes,
      contextFor('lane', 'lane').instruments.gauge('spanweir_blocks_in_flight_bytes'),
    );
    this.#scan = createScan(this.#dictionary, settings.timestamps);
    for (const plan of setup.plans) this.#paths.set(plan.receiver, this.#createPath(plan));
  }

  /** Brings the sinks up. */
  async start(): Promise<void> {
    for (const { sinks } of this.#paths.values()) for (const sink of sinks) await sink.start();
  }

  /** Lets the sources begin. */
  async begin(): Promise<void> {
    for (const { receiver } of this.#paths.values()) await receiver?.start();
  }

  receive(message: Extract<ToLane, { type: 'request' }>): void {
    const { id, receiver, payload, encoding, timestampMs } = message;
    const intake = this.#paths.get(receiver)?.intake;
    const answer = intake?.request(payload, encoding, timestampMs) ?? Promise.reject(new Error(receiver));
    answer.then(
      (verdict) => this.#send({ type: 'answer', id, verdict }),
      (error: unknown) => this.#send({ type: 'refusal', id, error: plainError(error) }),
    );
  }

  quiesce(): void {
    for (const { receiver } of this.#paths.values()) receiver?.quiesce();
  }

  /** Sources first, then what is on its way, then the sinks. */
  async stop(deadline: Deadline): Promise<void> {
    const paths = [...this.#paths.values()];
    const receivers = paths.map(({ receiver }) => receiver).filter((receiver) => receiver !== undefined);
    await Promise.all(receivers.map((receiver) => receiver.stop(deadline)));
    await Promise.all(paths.map(({ intake }) => intake.drain(deadline.signal)));
    for (const { flow } of paths) flow.close();
    const sinks: Component[] = paths.flatMap((path) => [...path.sinks]);
    await Promise.all(sinks.map((sink) => sink.stop(deadline)));
  }

  #createPath(plan: ReceiverPlan): ReceiverPath {
    const { config } = this.#setup;
    const path = this.#createDataPath(plan);
    const context = this.#context('receiver', plan.receiver);
    const flow = new DataPathFlow(path, {
      concurrency: WRITES_AT_ONCE,
      clock: context.clock,
      random: context.random,
      log: context.log,
    });
    const limits = blockLimits(config.service.spanweir.block, path.sinks);
    const intake = new LaneIntake(
      {
        flow,
        pool: new BatchPool(IDLE_BATCHES, fullBlock(limits)),
        budget: this.#budget,
        limits,
        scan: this.#scan,
        clock: context.clock,
        random: context.random,
        log: context.log,
        instruments: intakeInstruments(context.instruments, plan.receiver),
      },
      `${this.#setup.lifeId}/${plan.receiver}`,
    );
    const component = config.receivers[plan.receiver];
    const type = componentType<ReceiverType>('receiver', component);
    const receiver = type.createLane?.(component?.config, context, intake);
    return { flow, intake, sinks: path.sinks, receiver };
  }

  #createDataPath(plan: ReceiverPlan): DataPath {
    const { config } = this.#setup;
    const connectors = new Map(plan.connectors.map((id) => [id, this.#connector(id)]));
    const sinks = plan.exporters.map(({ exporter, spans, throughput, red }) => {
      const component = config.exporters[exporter];
      const type = componentType<ExporterType>('exporter', component);
      const rows = new Map(red.map((id) => [id, this.#connector(id)]));
      return type.createLane?.(component?.config, this.#context('exporter', exporter), {
        spans,
        throughput,
        red: rows,
      });
    });
    return {
      throughput: this.#throughput(plan.throughput),
      connectors,
      sinks: [...sinks.filter((sink) => sink !== undefined), ...this.#taps(plan)],
    };
  }

  #taps(plan: ReceiverPlan): BlockSink[] {
    const { redWanted, store } = this.#setup;
    const taps: BlockSink[] = [];
    const wanted = plan.connectors.filter((id) => redWanted.includes(id));
    if (wanted.length > 0) {
      const folders = new Map(wanted.map((id) => [id, this.#folder(id)]));
      const send = (connector: string, delta: RedDelta): void =>
        this.#send({ type: 'red', connector, delta }, columnBuffers(delta));
      taps.push(createRedTap(folders, send));
    }
    if (plan.throughput !== undefined && store !== undefined && store.exporter === undefined) {
      const componentId = store.extension;
      const send = (rows: ThroughputRows): void =>
        this.#send({ type: 'post', componentId, message: { kind: 'throughput', rows } });
      taps.push(createThroughputTap(send));
    }
    return taps;
  }

  /** One a connector, whatever receivers it serves: it knows which series main was told of. */
  #folder(connector: string): DeltaFolder {
    const known = this.#folders.get(connector) ?? new DeltaFolder(this.#connector(connector).series);
    this.#folders.set(connector, known);
    return known;
  }

  #connector(id: string): RedConnector {
    const known = this.#connectors.get(id);
    if (known !== undefined) return known;
    const component = this.#setup.config.connectors[id];
    const type = componentType<ConnectorType>('connector', component);
    const histograms = histogramReaders(this.#setup.config).includes(id);
    const connector = type.createLane(component?.config, this.#context('connector', id), { histograms });
    this.#connectors.set(id, connector);
    return connector;
  }

  #throughput(id: string | undefined): DataPath['throughput'] {
    if (id === undefined) return undefined;
    const component = this.#setup.config.processors[id];
    const type = componentType<ProcessorType>('processor', component);
    return type.createLane(component?.config, this.#context('processor', id));
  }

  #context(kind: string, id: string): LaneContext {
    const { lane, lanes, revision } = this.#setup;
    return {
      ...this.#contextFor(`${kind}:${id}`, id),
      clock: systemClock,
      random: Math.random,
      lane,
      lanes,
      revision,
      dictionary: this.#dictionary,
      post: (componentId, message, transfer) => this.#send({ type: 'post', componentId, message }, transfer),
    };
  }
}

/** A block is closed by the payload that fills it, which lies over the limit as often as not. */
function fullBlock({ maxSpans, maxBytes }: BlockLimits): BatchSize {
  const arenaBytes = Math.min(maxBytes, maxSpans * USUAL_SPAN_BYTES) + (1 << 20);
  return { arenaBytes, spans: maxSpans + (maxSpans >> 3) + 1 };
}

/** What changes hands with a delta instead of being copied. */
function columnBuffers(delta: RedDelta): ArrayBuffer[] {
  const { series, calls, durationSumNs, durationMaxNs, buckets, histAt, histIndex, histCount } = delta;
  const columns = [series, calls, durationSumNs, durationMaxNs, buckets, histAt, histIndex, histCount];
  return columns.map(({ buffer }) => buffer as ArrayBuffer);
}
