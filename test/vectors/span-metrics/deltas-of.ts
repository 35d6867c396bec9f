import { systemClock } from '../../../src/base/clock.ts';
import { spanMetricsConnector } from '../../../src/connectors/span-metrics/component.ts';
import { spanMetricsConfig } from '../../../src/connectors/span-metrics/config.ts';
import { DeltaFolder } from '../../../src/red/fold-windows.ts';
import type { RedDelta } from '../../../src/red/red-rows.ts';
import { Dictionary } from '../../../src/span/dictionary.ts';
import { OtlpScanner } from '../../../src/span/otlp-scanner.ts';
import { SpanBatch } from '../../../src/span/span-batch.ts';
import { encodeProto, type TestResource } from '../../support/spans.ts';

/** What a lane's connector hands on to the exporters for each of these blocks. */
export function deltasOf(config: object, blocks: readonly (readonly TestResource[])[]): RedDelta[] {
  const dictionary = new Dictionary();
  const scanner = new OtlpScanner(dictionary);
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const context = {
    id: 'span_metrics',
    lane: 0,
    lanes: 1,
    revision: 1,
    dictionary,
    post: () => {},
    clock: systemClock,
    random: () => 0.5,
    log: silent,
    instruments: {
      counter: () => ({ add: () => {} }),
      gauge: () => ({ set: () => {} }),
      timer: () => ({ record: () => {} }),
    },
    health: { report: () => {} },
  };
  const parsed = spanMetricsConfig.parse(config);
  const connector = spanMetricsConnector.createLane(parsed, context, { histograms: false });
  const folder = new DeltaFolder(connector.series, connector.eventSeries);
  return blocks.map((block) => {
    const batch = new SpanBatch();
    scanner.append(batch, encodeProto(block), { offset: 0, timestampMs: 0 });
    return structuredClone(folder.fold(connector.derive(batch)));
  });
}
