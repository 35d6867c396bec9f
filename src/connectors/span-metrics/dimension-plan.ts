import { type DimensionGlob, dimensionGlob } from '../../red/dimension-glob.ts';
import { type Dimension, SAMPLING_DIMENSION, SCOPE_DIMENSIONS } from '../../red/dimension-reader.ts';
import type { DimensionOption } from './dimension-options.ts';

/** Lists of dimensions as the configuration has them: for both metrics, and for one of them. */
export interface DimensionLists {
  readonly both: readonly DimensionOption[];
  readonly calls: readonly DimensionOption[];
  readonly duration: readonly DimensionOption[];
  readonly scopes: readonly string[];
  readonly samplingMethod: boolean;
}

/** What spans are told apart by for both metrics together, and which of them shows what. */
export interface DimensionPlan {
  readonly dimensions: readonly Dimension[];
  readonly globs: readonly DimensionGlob[];
  /** Names in the order of SeriesKey.dimensions. */
  readonly names: readonly string[];
  readonly onlyCalls: ReadonlySet<number>;
  readonly onlyDuration: ReadonlySet<number>;
  /** Left out where both metrics show all labels by glob. */
  readonly showsExtra?: (metric: 'calls' | 'duration', name: string) => boolean;
}

export function planDimensions(lists: DimensionLists): DimensionPlan {
  const calls = overridden(named(lists.both), named(lists.calls));
  const duration = overridden(named(lists.both), named(lists.duration));
  const dimensions: Dimension[] = [];
  const onlyCalls = new Set<number>();
  const onlyDuration = new Set<number>();
  for (const one of calls.values()) {
    if (!isSame(duration.get(one.name), one)) onlyCalls.add(dimensions.length);
    dimensions.push(one);
  }
  for (const one of duration.values()) {
    if (isSame(calls.get(one.name), one)) continue;
    onlyDuration.add(dimensions.length);
    dimensions.push(one);
  }
  const globs = { both: globsOf(lists.both), calls: globsOf(lists.calls), duration: globsOf(lists.duration) };
  const shown = { calls, duration };
  const plan: DimensionPlan = {
    dimensions,
    globs: [...globs.both, ...globs.calls, ...globs.duration],
    names: [...dimensions.map(({ name }) => name), ...builtIn(lists)],
    onlyCalls,
    onlyDuration,
  };
  if (plan.globs.length === 0 || lists.calls.length + lists.duration.length === 0) return plan;
  const showsExtra = (metric: 'calls' | 'duration', name: string): boolean =>
    !shown[metric].has(name) && [...globs.both, ...globs[metric]].some((glob) => glob.matches(name));
  return { ...plan, showsExtra };
}

/** The same for events, which show what both metrics of spans do and their own. */
export function planEventDimensions(
  { both, scopes, samplingMethod }: Pick<DimensionLists, 'both' | 'scopes' | 'samplingMethod'>,
  own: readonly DimensionOption[],
): EventPlan {
  const base = named(both);
  const events = overridden(base, named(own));
  const names = new Set(events.keys());
  return {
    dimensions: [...events.values()],
    globs: [...globsOf(both), ...globsOf(own)].map((glob) => ({
      pattern: glob.pattern,
      matches: (key: string) => !names.has(key) && glob.matches(key),
    })),
    names: [...events.keys(), ...builtIn({ scopes, samplingMethod })],
  };
}

export interface EventPlan {
  readonly dimensions: readonly Dimension[];
  readonly globs: readonly DimensionGlob[];
  readonly names: readonly string[];
}

function builtIn({ scopes, samplingMethod }: Pick<DimensionLists, 'scopes' | 'samplingMethod'>): string[] {
  return [...(scopes.length === 0 ? [] : SCOPE_DIMENSIONS), ...(samplingMethod ? [SAMPLING_DIMENSION] : [])];
}

function named(list: readonly DimensionOption[]): Map<string, Dimension> {
  const found = new Map<string, Dimension>();
  for (const { name = '', default: value } of list)
    if (name !== '') found.set(name, { name, default: value });
  return found;
}

/** As the collector fills in labels: the second list comes last, and its default, if it has one, wins. */
function overridden(first: Map<string, Dimension>, second: Map<string, Dimension>): Map<string, Dimension> {
  const result = new Map(first);
  for (const [name, one] of second) {
    if (one.default !== undefined || !result.has(name)) result.set(name, one);
  }
  return result;
}

function isSame(a: Dimension | undefined, b: Dimension): boolean {
  return a !== undefined && a.default === b.default;
}

function globsOf(list: readonly DimensionOption[]): DimensionGlob[] {
  return list.flatMap(({ glob = '' }) => (glob === '' ? [] : [dimensionGlob(glob)]));
}
