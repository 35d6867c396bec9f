import type { DurationUnit, RedDescription } from '../../red/red-description.ts';

/** How OTLP names become Prometheus names (the exporter's translation_strategy). */
export interface NameTranslation {
  /** Append unit and `_total`. */
  readonly suffixes: boolean;
  /** Keep what is not a letter, digit, underscore or colon. */
  readonly utf8: boolean;
  /** In front of every name, with an underscore. */
  readonly namespace: string;
}

export interface MetricNames {
  readonly calls: string;
  readonly duration: string;
  readonly events: string;
  readonly targetInfo: string;
}

/** Whose names and labels the page has: the connector's, those of the processor before it, or Tempo's. */
export type Profile = 'collector' | 'spanmetrics_processor' | 'tempo';

const UNIT_NAMES = { ms: 'milliseconds', s: 'seconds' } as const;

const OLD_NAMES: Readonly<Record<Exclude<Profile, 'collector'>, MetricNames>> = {
  spanmetrics_processor: {
    calls: 'calls_total',
    duration: 'latency',
    events: 'events_total',
    targetInfo: 'target_info',
  },
  tempo: {
    calls: 'traces_spanmetrics_calls_total',
    duration: 'traces_spanmetrics_latency',
    events: 'traces_spanmetrics_events_total',
    targetInfo: 'traces_target_info',
  },
};

/** Old names are as they were, whatever the translation; only the exporter's namespace is put in front. */
export function metricNames(
  { namespace, unit }: Pick<RedDescription, 'namespace' | 'unit'>,
  translation: NameTranslation,
  profile: Profile = 'collector',
): MetricNames {
  const { namespace: own } = translation;
  const prefix = own === '' ? '' : `${labelName(own, translation.utf8)}_`;
  if (profile !== 'collector') {
    const { calls, duration, events, targetInfo } = OLD_NAMES[profile];
    return {
      calls: `${prefix}${calls}`,
      duration: `${prefix}${duration}`,
      events: `${prefix}${events}`,
      targetInfo: `${prefix}${targetInfo}`,
    };
  }
  const counter = { unit: '', isCounter: true };
  return {
    calls: metricName(otlpName(namespace, 'calls'), counter, translation),
    duration: metricName(
      otlpName(namespace, 'duration'),
      { unit: UNIT_NAMES[unit], isCounter: false },
      translation,
    ),
    events: metricName(otlpName(namespace, 'events'), counter, translation),
    targetInfo: `${prefix}target_info`,
  };
}

/** What durations are shown in: old names do not say it, so it is what their dashboards take them for. */
export function shownUnit(profile: Profile, unit: DurationUnit): DurationUnit {
  if (profile === 'collector') return unit;
  return profile === 'tempo' ? 's' : 'ms';
}

/** What the connector calls a metric in OTLP. */
export function otlpName(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}.${name}`;
}

export interface Metric {
  readonly unit: string;
  readonly isCounter: boolean;
}

/** `unit` in words, '' for none. */
export function metricName(name: string, metric: Metric, translation: NameTranslation): string {
  if (translation.utf8) return utf8Name(name, metric, translation);
  return translation.suffixes ? suffixedName(name, metric, translation) : plainName(name, translation);
}

/** Words of letters and digits, joined by single underscores, then the unit and `total` unless they are there. */
function suffixedName(name: string, { unit, isCounter }: Metric, { namespace }: NameTranslation): string {
  let words = name.split(/[^a-zA-Z0-9:]+/).filter((word) => word !== '');
  if (unit !== '' && !words.includes(unit)) words.push(unit);
  if (isCounter) words = [...words.filter((word) => word !== 'total'), 'total'];
  if (namespace !== '') words.unshift(namespace);
  return withoutLeadingDigit(words.join('_'));
}

function plainName(name: string, { namespace }: NameTranslation): string {
  const clean = (text: string): string =>
    text
      .split(/[^a-zA-Z0-9:_]+/)
      .filter((word) => word !== '')
      .join('_');
  return namespace === '' ? withoutLeadingDigit(clean(name)) : `${clean(namespace)}_${clean(name)}`;
}

function utf8Name(name: string, { unit, isCounter }: Metric, translation: NameTranslation): string {
  let result = translation.namespace === '' ? name : `${translation.namespace}_${name}`;
  if (!translation.suffixes) return result;
  if (isCounter) result = withoutSuffix(result, 'total');
  if (unit !== '' && !result.endsWith(unit)) result = `${result}_${unit}`;
  return isCounter ? `${result}_total` : result;
}

/** Also takes the delimiter in front of the suffix, whatever it is. */
function withoutSuffix(name: string, suffix: string): string {
  if (!name.endsWith(suffix) || name.length <= suffix.length + 1) return name;
  return name.slice(0, -(suffix.length + 1));
}

function withoutLeadingDigit(name: string): string {
  return /^\d/.test(name) ? `_${name}` : name;
}

export function labelName(name: string, utf8: boolean): string {
  if (utf8) return name;
  const clean = name.replaceAll(/[^a-zA-Z0-9_]/gu, '_');
  return /^\d/.test(clean) ? `key_${clean}` : clean;
}

/** How names that classic Prometheus does not allow are written, as the scraper asked for. */
export type Escaping = 'allow-utf-8' | 'underscores' | 'dots' | 'values';

const LEGACY = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

export function isLegacyName(name: string): boolean {
  return LEGACY.test(name);
}

export function escapeName(name: string, escaping: Escaping): string {
  if (name === '' || escaping === 'allow-utf-8') return name;
  if (escaping !== 'dots' && isLegacyName(name)) return name;
  const characters = Array.from(name);
  const isLegal = (character: string, i: number): boolean =>
    /[a-zA-Z_:]/.test(character) || (i > 0 && /\d/.test(character));
  switch (escaping) {
    case 'underscores':
      return characters.map((c, i) => (isLegal(c, i) ? c : '_')).join('');
    case 'dots':
      return characters
        .map((c, i) => (c === '.' ? '_dot_' : c === '_' || !isLegal(c, i) ? '__' : c))
        .join('');
    case 'values':
      return `U__${characters
        .map((c, i) => (c === '_' ? '__' : isLegal(c, i) ? c : `_${c.codePointAt(0)?.toString(16)}_`))
        .join('')}`;
  }
}

/** A name as it stands in a line: quoted where classic Prometheus would not take it. */
export function quoteName(name: string): string {
  return isLegacyName(name) ? name : `"${escapeValue(name)}"`;
}

/** Inside double quotes. */
export function escapeValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
