import type { Block } from '../../flow/block.ts';
import type { ExporterType } from '../../flow/component-type.ts';
import type { BlockSink, LaneContext, SinkInputs } from '../../flow/lane.ts';
import { createPassingSink } from '../../flow/passing-sink.ts';
import type { RedRows } from '../../red/red-rows.ts';
import { type SeriesTable, seriesKeyOf } from '../../red/series-table.ts';
import { type DebugConfig, debugConfig } from './config.ts';
import { SpanDescriber } from './describe-span.ts';
import { BlockSampler } from './sampler.ts';

/** Lines of one block, however large it is. */
const MAX_LINES = 1000;

export const debugExporter: ExporterType<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  description: 'Writes what passes to the log, for looking at a pipeline.',
  signals: ['traces', 'metrics'],
  config: debugConfig,
  createLane: createDebugSink,
};

function createDebugSink(config: DebugConfig, context: LaneContext, inputs: SinkInputs): BlockSink {
  const { id, clock, instruments, log } = context;
  const sampler = new BlockSampler(config.sampling_initial, config.sampling_thereafter);
  const describer = new SpanDescriber();
  const spansSeen = instruments.counter('spanweir_debug_spans_total', { exporter: id });

  const showSpans = ({ batch }: Block): void => {
    log.info({ records: batch.records, resources: batch.resources, spans: batch.spans }, 'Traces');
    if (config.verbosity === 'basic') return;
    const lines = Math.min(batch.spans, MAX_LINES);
    for (let span = 0; span < lines; span++) {
      const shown =
        config.verbosity === 'normal' ? describer.summary(batch, span) : describer.details(batch, span);
      log.info({ span: shown }, 'Span');
    }
    if (lines < batch.spans) log.info({ notShown: batch.spans - lines }, 'Spans');
  };

  const showRed = (connector: string, table: SeriesTable, rows: RedRows): void => {
    log.info({ connector, rows: rows.rows }, 'Metrics');
    if (config.verbosity === 'basic') return;
    const lines = Math.min(rows.rows, MAX_LINES);
    for (let row = 0; row < lines; row++) {
      const { service, spanName, kind, statusCode, ...rest } = seriesKeyOf(
        table,
        rows,
        rows.series[row] as number,
      );
      log.info(
        {
          series: { service, spanName, kind, statusCode, ...(config.verbosity === 'detailed' ? rest : {}) },
          windowS: rows.windowS[row],
          calls: rows.calls[row],
          durationMs: (rows.durationSumNs[row] as number) / 1e6,
        },
        'Series',
      );
    }
  };

  return createPassingSink(context, (block) => {
    if (inputs.spans) spansSeen.add(block.batch.spans);
    if (!sampler.lets(clock.monotonicMs())) return;
    if (inputs.spans) showSpans(block);
    for (const [connector, { series }] of inputs.red) {
      const rows = block.red.get(connector);
      if (rows !== undefined) showRed(connector, series, rows);
    }
  });
}
