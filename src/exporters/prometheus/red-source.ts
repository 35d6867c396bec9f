import { NS_PER_UNIT, type RedDescription } from '../../red/red-description.ts';
import type { RedDelta } from '../../red/red-rows.ts';
import type { SeriesLookup } from '../../red/series-keys.ts';
import { ExemplarStore } from './exemplar-store.ts';
import { expire, type Lifetimes, lifetimesOf } from './expiry.ts';
import { isSplit, type LabelOptions, type Metric, SeriesLabels } from './labels.ts';
import { type MetricNames, metricNames, type NameTranslation, type Profile, shownUnit } from './names.ts';
import { NativeHistograms } from './native-histograms.ts';
import type { PageSource } from './page-request.ts';
import type { ResourceUse } from './resource-use.ts';
import { type Moment, type SeriesRoom, SeriesStore, type StoreOptions } from './series-store.ts';

export interface RedSourceOptions extends LabelOptions {
  readonly profile: Profile;
  readonly translation: NameTranslation;
  readonly metricExpirationMs: number;
  readonly room: SeriesRoom;
  readonly resources: ResourceUse;
}

/** The series of one connector, as its metrics show them. */
export class RedSource implements PageSource {
  readonly names: MetricNames;
  readonly unit: PageSource['unit'];
  readonly bounds: readonly number[];
  readonly calls: SeriesStore;
  readonly duration: SeriesStore | undefined;
  readonly events: SeriesStore | undefined;
  /** target_info is made of its resources. */
  readonly showsResources: boolean;
  readonly #lifetimes: Lifetimes;

  constructor(description: RedDescription, options: RedSourceOptions) {
    const { profile, room, resources } = options;
    this.names = metricNames(description, options.translation, profile);
    this.unit = shownUnit(profile, description.unit);
    const boundsNs = description.bounds?.map((bound) => Math.round(bound * NS_PER_UNIT[description.unit]));
    this.bounds =
      this.unit === description.unit
        ? (description.bounds ?? [])
        : (boundsNs ?? []).map((ns) => ns / NS_PER_UNIT[this.unit]);
    this.showsResources = description.withoutResource !== true;
    this.#lifetimes = lifetimesOf(description, options.metricExpirationMs);
    const store = (metric: Metric, shape: StoreOptions): SeriesStore =>
      new SeriesStore(new SeriesLabels(description, options, metric), room, { ...shape, resources });
    const exemplars = (bounds: readonly number[] | undefined): ExemplarStore | undefined =>
      description.exemplars && new ExemplarStore(bounds);
    const { exponential } = description;
    const durations: StoreOptions | undefined =
      exponential !== undefined
        ? {
            bucketCount: 1,
            native: new NativeHistograms(exponential.maxSize, this.unit),
            exemplars: exemplars(undefined),
          }
        : boundsNs && { bucketCount: boundsNs.length + 1, exemplars: exemplars(boundsNs) };
    if (durations !== undefined && !isSplit(description)) {
      this.calls = store('both', durations);
      this.duration = this.calls;
    } else {
      this.calls = store('calls', { bucketCount: 0, exemplars: exemplars([]) });
      this.duration = durations && store('duration', durations);
    }
    const hasEvents = description.eventDimensions !== undefined;
    this.events = hasEvents ? store('events', { bucketCount: 0 }) : undefined;
  }

  get stores(): SeriesStore[] {
    const all = [this.calls, this.duration, this.events].filter((store) => store !== undefined);
    return [...new Set(all)];
  }

  apply(lane: number, delta: RedDelta, keys: LaneKeys, now: Moment): void {
    const { rows, series, calls, exemplars, events } = delta;
    if (this.duration === this.calls) this.calls.apply(lane, delta, keys.spans, now);
    else {
      const counts = { rows, series, calls, ...(exemplars && { exemplars }) };
      this.calls.apply(lane, counts, keys.spans, now);
      this.duration?.apply(lane, delta, keys.spans, now);
    }
    if (events === undefined) return;
    const counts = { rows: events.rows, series: events.series, calls: events.count };
    this.events?.apply(lane, counts, keys.events, now);
  }

  /** Forgets series that are too old. */
  expire(monotonicMs: number): void {
    const { seriesMs, resourceMs } = this.#lifetimes;
    if (Math.min(seriesMs, resourceMs) < Number.POSITIVE_INFINITY) {
      expire(this.stores, this.#lifetimes, monotonicMs);
    }
  }
}

/** Who a lane's series are. */
export interface LaneKeys {
  readonly spans: SeriesLookup;
  readonly events: SeriesLookup;
}
