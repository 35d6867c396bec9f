import { systemClock } from '../base/clock.ts';
import type { ComponentContext } from '../base/component.ts';
import type { LoadedConfig } from '../config/loaded-config.ts';
import { BatchPool, type BatchSize } from '../flow/batch-pool.ts';
import type { Budget } from '../flow/budget.ts';
import type { ConnectorType, ExporterType, ProcessorType, TapConnectorType } from '../flow/component-type.ts';
import { type DataPath, DataPathFlow } from '../flow/data-path.ts';
import type { BlockLimits, IntakeDeps, IntakeInstruments, Scan } from '../flow/intake-shared.ts';
import type { BlockSink, LaneContext, RedConnector } from '../flow/lane.ts';
import { Dictionary } from '../span/dictionary.ts';
import { QualityTally, type Repair } from '../span/quality-tally.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import { Weigher } from '../span/weigher.ts';
import { blockLimits } from './block-limits.ts';
import { componentType } from './components.ts';
import { histogramReaders, type ReceiverPlan } from './plan.ts';
import { createScan } from './scan.ts';
import { createTap } from './taps.ts';

/** Blocks that one receiver writes at the same time: enough to keep the database busy while the next is encoded. */
const WRITES_AT_ONCE = 4;

/** Of one receiver, kept for the next block: a few partitions' worth. */
const IDLE_BATCHES = 16;
/** With some ten attributes. */
const USUAL_SPAN_BYTES = 512;

/** What the lane's thread has of the process: its logs, instruments and health. */
export type ContextFor = (key: string, id: string) => ComponentContext;

export type LaneIdentity = Pick<LaneContext, 'lane' | 'lanes' | 'revision' | 'post'>;

/** What turns records into rows and writes them, as the configuration says; everything in it is of one thread. */
export class DataPaths {
  readonly #config: LoadedConfig;
  readonly #contextFor: ContextFor;
  readonly #identity: LaneIdentity;
  readonly #dictionary = new Dictionary();
  readonly #scan: Scan;
  readonly #connectors = new Map<string, RedConnector>();
  readonly #looks = new Map<string, (batch: SpanBatch) => void>();

  constructor(config: LoadedConfig, contextFor: ContextFor, identity: LaneIdentity) {
    this.#config = config;
    this.#contextFor = contextFor;
    this.#identity = identity;
    this.#scan = createScan(this.#dictionary, config.service.spanweir);
  }

  /** @param taps sinks that no configuration names */
  create(plan: ReceiverPlan, taps: readonly BlockSink[] = []): DataPath {
    const connectors = new Map(plan.connectors.map((id) => [id, this.connector(id)]));
    const sinks = plan.exporters.map(({ exporter, spans, throughput, red }) => {
      const component = this.#config.exporters[exporter];
      const type = componentType<ExporterType>('exporter', component);
      const rows = new Map(red.map((id) => [id, this.connector(id)]));
      return type.createLane?.(component?.config, this.context('exporter', exporter), {
        spans,
        throughput,
        red: rows,
      });
    });
    return {
      prepare: this.#prepare(plan.receiver),
      throughput: this.#throughput(plan.throughput),
      connectors,
      sinks: [
        ...sinks.filter((sink) => sink !== undefined),
        ...plan.taps.map((id) => this.#tap(id)),
        ...taps,
      ],
    };
  }

  /** What an intake needs to feed this path. */
  intakeDeps(path: DataPath, budget: Budget, of: LaneContext, instruments: IntakeInstruments): IntakeDeps {
    const { clock, random, log } = of;
    const halfStored = of.instruments.counter('spanweir_half_stored_blocks_total', { receiver: of.id });
    const limits = blockLimits(this.#config.service.spanweir.block, path.sinks);
    return {
      flow: new DataPathFlow(path, { concurrency: WRITES_AT_ONCE, clock, random, log, halfStored }),
      pool: new BatchPool(IDLE_BATCHES, fullBlock(limits)),
      budget,
      limits,
      scan: this.#scan,
      clock,
      random,
      log,
      instruments,
    };
  }

  /** One for each id: it numbers series. */
  connector(id: string): RedConnector {
    const known = this.#connectors.get(id);
    if (known !== undefined) return known;
    const component = this.#config.connectors[id];
    const type = componentType<ConnectorType>('connector', component);
    const histograms = histogramReaders(this.#config).includes(id);
    const connector = type.createLane(component?.config, this.context('connector', id), { histograms });
    this.#connectors.set(id, connector);
    return connector;
  }

  /** Several receivers may have one connector: it numbers what it tells of. */
  #tap(id: string): BlockSink {
    const component = this.#config.connectors[id];
    const type = componentType<TapConnectorType>('connector', component);
    const look = this.#looks.get(id) ?? type.createTap(component?.config, this.context('connector', id));
    this.#looks.set(id, look);
    return createTap(`spanweir.${id}`, ({ batch }) => look(batch));
  }

  context(kind: string, id: string): LaneContext {
    return {
      ...this.#contextFor(`${kind}:${id}`, id),
      ...this.#identity,
      clock: systemClock,
      random: Math.random,
      dictionary: this.#dictionary,
    };
  }

  /** Weighs the spans, and tells what was odd about them. */
  #prepare(receiver: string): (batch: SpanBatch) => void {
    const weigher = new Weigher(this.#config.service.spanweir.weights);
    const tally = new QualityTally(this.#dictionary.names);
    const { instruments } = this.context('receiver', receiver);
    const repaired = (reason: Repair, spans: number): void =>
      instruments.counter('spanweir_repaired_spans_total', { receiver, reason }).add(spans);
    return (batch) => {
      weigher.weigh(batch);
      tally.of(batch, repaired);
    };
  }

  #throughput(id: string | undefined): DataPath['throughput'] {
    if (id === undefined) return undefined;
    const component = this.#config.processors[id];
    const type = componentType<ProcessorType>('processor', component);
    return type.createLane(component?.config, this.context('processor', id));
  }
}

/** A block is closed by the payload that fills it, which lies over the limit as often as not. */
function fullBlock({ maxSpans, maxBytes }: BlockLimits): BatchSize {
  const arenaBytes = Math.min(maxBytes, maxSpans * USUAL_SPAN_BYTES) + (1 << 20);
  return { arenaBytes, spans: maxSpans + (maxSpans >> 3) + 1 };
}
