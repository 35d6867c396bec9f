import type { DurationUnit } from '../../red/red-description.ts';
import type { MetricNames } from './names.ts';
import type { Format } from './negotiate.ts';
import type { SeriesStore } from './series-store.ts';

/** What one connector shows. */
export interface PageSource {
  readonly names: MetricNames;
  /** Of the durations as they are shown. */
  readonly unit: DurationUnit;
  /** Upper bounds of the buckets in `unit`; none where there are native histograms. */
  readonly bounds: readonly number[];
  readonly calls: SeriesStore;
  /** Often the same as `calls`. */
  readonly duration: SeriesStore | undefined;
  readonly events: SeriesStore | undefined;
}

export interface PageRequest {
  readonly format: Format;
  readonly sources: readonly PageSource[];
  /** Families that are shown beside theirs. */
  readonly plain?: readonly Family[];
  /** Labels of target_info, escaped as the format wants it; under `targetInfo` as a name. */
  readonly targets: readonly (string | Buffer)[];
  readonly targetInfo: string;
  /** Written behind every value when the exporter is to send timestamps. */
  readonly timestampMs: number | undefined;
  /** OpenMetrics tells when a series began. */
  readonly created: boolean;
  /** Series born later (see SeriesStore.births) are shown as 0. */
  readonly seen: number;
}

/** What a page reads of series. */
export type ShownSeries = Pick<
  SeriesStore,
  | 'size'
  | 'bucketCount'
  | 'calls'
  | 'durationSumNs'
  | 'buckets'
  | 'createdMs'
  | 'births'
  | 'native'
  | 'exemplars'
  | 'bodies'
>;

/** A metric of the page, before it is written in one format or the other. */
export interface Family {
  /** Escaped. */
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly help: string;
  /** Undefined for target_info. */
  readonly store: ShownSeries | undefined;
  readonly source: Pick<PageSource, 'unit' | 'bounds'> | undefined;
}
