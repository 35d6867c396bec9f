import { systemClock } from '../../../src/base/clock.ts';
import type { Instruments } from '../../../src/base/instruments.ts';
import { ClickHouse } from '../../../src/clickhouse/client.ts';
import { ClickHouseSink } from '../../../src/exporters/clickhouse/clickhouse-sink.ts';
import { clickHouseExporterConfig } from '../../../src/exporters/clickhouse/config.ts';
import { ShardedSink } from '../../../src/exporters/clickhouse/sharded-sink.ts';
import type { Block, BlockOrigin } from '../../../src/flow/block.ts';
import type { LaneContext, RedConnector, SinkInputs } from '../../../src/flow/lane.ts';
import { RedAggregator } from '../../../src/red/red-aggregator.ts';
import type { ThroughputRows } from '../../../src/sampling/roots/throughput-rows.ts';
import type { TestResource } from '../../support/spans.ts';
import { BatchMaker, silentLog } from './database.ts';

export const never = new AbortController().signal;

export interface SinkSetupOptions {
  readonly config?: Record<string, unknown>;
  /** What the sink reports as its health. */
  readonly told?: string[];
  /** Counts of metrics, by name and table. */
  readonly counts?: Map<string, number>;
  /** What it writes; all by default. */
  readonly only?: 'spans' | 'red' | 'throughput';
}

/** A sink with two connectors, and what it takes to make blocks for it. */
export class SinkSetup {
  readonly maker = new BatchMaker();
  readonly sink: ClickHouseSink | ShardedSink;
  readonly inputs: SinkInputs;
  readonly context: LaneContext;

  /** Several servers are the shards of `config.cluster`. */
  constructor(
    to: ClickHouse | readonly [ClickHouse, ...ClickHouse[]],
    { config = {}, counts = new Map(), only, told = [] }: SinkSetupOptions = {},
  ) {
    const { dictionary } = this.maker;
    const connector = (dimensions: string[]): RedConnector => {
      const aggregator = new RedAggregator(dictionary, {
        dimensions: dimensions.map((name) => ({ name, default: undefined })),
        histograms: true,
      });
      return { series: aggregator.series, bounds: [], dimensions, derive: (b) => aggregator.aggregate(b) };
    };
    const red = new Map([
      ['span_metrics', connector([])],
      ['span_metrics/routes', connector(['http.route'])],
    ]);
    this.inputs = {
      spans: only === undefined || only === 'spans',
      throughput: only === undefined || only === 'throughput',
      red: only === undefined || only === 'red' ? red : new Map(),
    };
    const context: LaneContext = {
      id: 'clickhouse',
      lane: 0,
      lanes: 1,
      revision: 0,
      dictionary,
      post: () => undefined,
      clock: systemClock,
      random: Math.random,
      log: silentLog,
      instruments: counting(counts),
      health: { report: (status, reason = '') => void told.push(`${status}: ${reason}`) },
    };
    this.context = context;
    const parsed = clickHouseExporterConfig.parse(config);
    const sinkTo = (server: ClickHouse): ClickHouseSink =>
      new ClickHouseSink(parsed, server, { context, inputs: this.inputs });
    if (to instanceof ClickHouse) this.sink = sinkTo(to);
    else {
      const [first, ...others] = to;
      this.sink = new ShardedSink(parsed.cluster?.shards ?? [], [sinkTo(first), ...others.map(sinkTo)]);
    }
  }

  block(
    origin: BlockOrigin,
    payloads: readonly (readonly TestResource[])[],
    throughput: ThroughputRows = [],
  ): Block {
    const batch = this.maker.make(payloads, origin.kind === 'kafka' ? origin.firstOffset : 0);
    const red = new Map([...this.inputs.red].map(([id, connector]) => [id, connector.derive(batch)]));
    return { origin, batch, red, throughput, mayBegin: () => true };
  }
}

function counting(counts: Map<string, number>): Instruments {
  return {
    counter: (name, labels) => {
      const key = labels?.table === undefined ? name : `${name} ${labels.table}`;
      return { add: (n) => void counts.set(key, (counts.get(key) ?? 0) + n) };
    },
    timer: () => ({ record: () => {} }),
    gauge: () => ({ set: () => undefined }),
  };
}
