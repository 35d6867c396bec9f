/**
 * How a connector's series are to be named; what an exporter needs to know besides the numbers. The main half
 * of a connector carries it (`MainContext.peer`).
 */
export interface RedDescription {
  /** In front of `calls` and `duration`, with a dot; may be empty. */
  readonly namespace: string;
  readonly unit: DurationUnit;
  /** Upper bounds of the explicit histogram in `unit`, ascending; undefined = no histogram. */
  readonly bounds: readonly number[] | undefined;
  /** The duration as a native histogram instead: at most so many buckets a series. */
  readonly exponential?: { readonly maxSize: number };
  /** Names of the configured dimensions, in the order of SeriesKey.dimensions. */
  readonly dimensions: readonly string[];
  /** Indexes of dimensions that only the calls metric shows, and only the duration metric. */
  readonly onlyCalls?: ReadonlySet<number>;
  readonly onlyDuration?: ReadonlySet<number>;
  /** There is a metric of span events; the names of what it has besides `dimensions`. */
  readonly eventDimensions?: readonly string[];
  /** Default dimensions that are left out of the labels. */
  readonly excluded: ReadonlySet<DefaultDimension>;
  /** Whether a metric shows a label of SeriesKey.extra; left out = calls and duration show all of them. */
  readonly showsExtra?: (metric: 'calls' | 'duration', name: string) => boolean;
  /** A value shows so many exemplars at most, the first of each window of `windowMs`. */
  readonly exemplars?: { readonly maxPerDataPoint: number; readonly windowMs: number };
  /** How long without a span until a series, or all series of a resource, are forgotten. */
  readonly expiration?: { readonly seriesMs?: number; readonly resourceMs?: number };
  /** Only what changed is handed on, so that an exporter's own expiration sees series that nothing is added to. */
  readonly isDelta?: true;
  /** The status is `otel.status_code`, OK or ERROR, and no label where it is unset. */
  readonly otelStatusCode?: true;
  /** Nothing of the resource is shown: no `job`, no `instance`, no target_info. */
  readonly withoutResource?: true;
  /** Shown as `collector.instance.id`. */
  readonly collectorInstanceId?: string;
}

export type DurationUnit = 'ms' | 's';

export const DEFAULT_DIMENSIONS = ['service.name', 'span.name', 'span.kind', 'status.code'] as const;
export type DefaultDimension = (typeof DEFAULT_DIMENSIONS)[number];

export const NS_PER_UNIT: Readonly<Record<DurationUnit, number>> = { ms: 1e6, s: 1e9 };

/** A component that has one. */
export interface RedDescribed {
  readonly red: RedDescription;
}

export function isRedDescribed(component: unknown): component is RedDescribed {
  return typeof component === 'object' && component !== null && 'red' in component;
}
