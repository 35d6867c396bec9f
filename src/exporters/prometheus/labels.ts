import type { RedDescription } from '../../red/red-description.ts';
import type { ResourceInfo, SeriesKey } from '../../red/red-rows.ts';
import { OVERFLOW_WORD } from '../../span/dictionary.ts';
import { type Escaping, escapeName, escapeValue, labelName, type Profile, quoteName } from './names.ts';

export type Labels = readonly (readonly [string, string])[];

export interface LabelOptions {
  readonly utf8: boolean;
  readonly constLabels: Readonly<Record<string, string>>;
  readonly scopeInfo: boolean;
  readonly profile?: Profile;
}

/** Which of a connector's metrics; 'both' = calls and duration, where they have the same labels. */
export type Metric = 'both' | 'calls' | 'duration' | 'events';

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
const STATUSES = ['UNSET', 'OK', 'ERROR'] as const;

/** A label as it is written: its name, plain or in quotes, and its value. */
const LABEL = /(?:([^",=]+)|"((?:[^"\\]|\\.)*)")="((?:[^"\\]|\\.)*)"(?:,|$)/g;

interface Vocabulary {
  /** Of service.name, span.name, span.kind and status.code. */
  readonly names: readonly [string, string, string, string];
  readonly overflow: string;
  readonly scope: string | undefined;
}

const VOCABULARIES: Readonly<Record<Profile, Vocabulary>> = {
  collector: {
    names: ['service.name', 'span.name', 'span.kind', 'status.code'],
    overflow: 'otel.metric.overflow',
    scope: 'spanmetricsconnector',
  },
  spanmetrics_processor: {
    names: ['service_name', 'operation', 'span_kind', 'status_code'],
    overflow: 'otel.metric.overflow',
    scope: 'spanmetricsprocessor',
  },
  tempo: {
    names: ['service', 'span_name', 'span_kind', 'status_code'],
    overflow: 'metric_overflow',
    scope: undefined,
  },
};

/** Names, values and order of the labels of a connector's series. */
export class SeriesLabels {
  readonly #description: RedDescription;
  readonly #options: LabelOptions;
  readonly #metric: Metric;
  readonly #words: Vocabulary;
  readonly #isTempo: boolean;
  readonly #dimensions: readonly { readonly name: string; readonly at: number }[];

  constructor(description: RedDescription, options: LabelOptions, metric: Metric = 'both') {
    const profile = options.profile ?? 'collector';
    this.#description = description;
    this.#options = options;
    this.#metric = metric;
    this.#words = VOCABULARIES[profile];
    this.#isTempo = profile === 'tempo';
    this.#dimensions = shownDimensions(description, metric);
  }

  /** Translated, not escaped; sorted by name. */
  of(key: SeriesKey): Labels {
    const { withoutResource, collectorInstanceId } = this.#description;
    const labels = new LabelSet(this.#options.utf8);
    this.#addDefaults(labels, key);
    for (const { name, at } of this.#dimensions) this.#addDimension(labels, name, key.dimensions[at] ?? null);
    if (key.extra !== undefined) this.#addExtra(labels, key.extra);
    if (key.spanName === OVERFLOW_WORD) labels.add(this.#words.overflow, 'true');
    if (collectorInstanceId !== undefined) labels.add('collector.instance.id', collectorInstanceId);
    if (this.#options.scopeInfo && this.#words.scope !== undefined) {
      labels.add('otel_scope_name', this.#words.scope);
      labels.add('otel_scope_version', '');
      labels.add('otel_scope_schema_url', '');
    }
    if (withoutResource !== true) {
      labels.add('job', jobOf(key));
      if (key.instance !== '') labels.add('instance', key.instance);
    }
    for (const [name, value] of Object.entries(this.#options.constLabels)) labels.addAsIs(name, value);
    return labels.sorted();
  }

  #addDefaults(labels: LabelSet, key: SeriesKey): void {
    const { excluded, otelStatusCode } = this.#description;
    const [service, spanName, kind, status] = this.#words.names;
    if (!excluded.has('service.name')) labels.add(service, key.service);
    if (!excluded.has('span.name')) labels.add(spanName, key.spanName);
    if (!excluded.has('span.kind')) labels.add(kind, `SPAN_KIND_${KINDS[key.kind] ?? KINDS[0]}`);
    if (excluded.has('status.code')) return;
    const code = STATUSES[key.statusCode] ?? STATUSES[0];
    if (otelStatusCode !== true) labels.add(status, `STATUS_CODE_${code}`);
    else if (code !== 'UNSET') labels.add('otel.status_code', code);
  }

  #addDimension(labels: LabelSet, name: string, value: string | null): void {
    // Prometheus keeps `le` for the buckets.
    if (name === 'le') name = 'exported_le';
    if (!this.#isTempo) {
      if (value !== null) labels.add(name, value);
      return;
    }
    const own = labelName(name, this.#options.utf8);
    const isTaken = this.#words.names.includes(own) || own === 'job' || own === 'instance';
    labels.addAsIs(isTaken ? `__${own}` : own, value ?? '');
  }

  #addExtra(labels: LabelSet, extra: Labels): void {
    const metric = this.#metric;
    const shows = this.#description.showsExtra;
    for (const [name, value] of extra) {
      const isShown =
        shows === undefined ||
        metric === 'events' ||
        (metric !== 'duration' && shows('calls', name)) ||
        (metric === 'duration' && shows('duration', name));
      if (isShown) this.#addDimension(labels, name, value);
    }
  }
}

/** Labels of a series that is no span's. */
export function plainLabels(pairs: Labels, scope: string, options: LabelOptions): Labels {
  const labels = new LabelSet(options.utf8);
  for (const [name, value] of pairs) labels.add(name === 'le' ? 'exported_le' : name, value);
  if (options.scopeInfo) {
    labels.add('otel_scope_name', scope);
    labels.add('otel_scope_version', '');
    labels.add('otel_scope_schema_url', '');
  }
  for (const [name, value] of Object.entries(options.constLabels)) labels.addAsIs(name, value);
  return labels.sorted();
}

/** True when calls and duration show different labels, so that their series are not the same. */
export function isSplit({ onlyCalls, onlyDuration, showsExtra }: RedDescription): boolean {
  return (onlyCalls?.size ?? 0) > 0 || (onlyDuration?.size ?? 0) > 0 || showsExtra !== undefined;
}

function shownDimensions(description: RedDescription, metric: Metric): { name: string; at: number }[] {
  const { dimensions, onlyCalls, onlyDuration, eventDimensions } = description;
  const isHidden = (at: number): boolean =>
    (metric !== 'calls' && onlyCalls?.has(at) === true) ||
    (metric !== 'duration' && onlyDuration?.has(at) === true);
  const shown = dimensions.map((name, at) => ({ name, at })).filter(({ at }) => !isHidden(at));
  if (metric !== 'events') return shown;
  return [...shown, ...(eventDimensions ?? []).map((name, i) => ({ name, at: dimensions.length + i }))];
}

/** Labels of target_info: the resource's attributes besides those that job and instance are made of. */
export function targetLabels(resource: ResourceInfo, utf8: boolean): Labels {
  const labels = new LabelSet(utf8);
  for (const [name, value] of resource.attributes) {
    if (name === 'service.name' || name === 'service.namespace' || name === 'service.instance.id') continue;
    labels.add(name, value);
  }
  labels.set('job', jobOf(resource));
  labels.set('instance', resource.instance);
  return labels.sorted();
}

export function jobOf({ namespace, service }: Pick<SeriesKey, 'namespace' | 'service'>): string {
  return namespace === '' ? service : `${namespace}/${service}`;
}

/** As a scraper gets them: names that fall together once escaped keep their values, joined. */
export function escapeLabels(labels: Labels, escaping: Escaping): Labels {
  const escaped = new Map<string, string>();
  for (const [name, value] of labels) {
    const own = escapeName(name, escaping);
    const known = escaped.get(own);
    escaped.set(own, known === undefined ? value : `${known};${value}`);
  }
  return [...escaped];
}

/** `a="1",b="2"`. */
export function renderLabels(labels: Labels, escaping: Escaping): string {
  return escapeLabels(labels, escaping)
    .map(([name, value]) => `${quoteName(name)}="${escapeValue(value)}"`)
    .join(',');
}

/** What `renderLabels` made into this by 'allow-utf-8', which changes no name. */
export function parseLabels(text: string): Labels {
  return Array.from(text.matchAll(LABEL), ([, plain, quoted, value]): [string, string] => [
    plain ?? unescaped(quoted as string),
    unescaped(value as string),
  ]);
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

/** Two names may become one, and Prometheus refuses a whole page for a label that comes twice. */
class LabelSet {
  readonly #values = new Map<string, string>();
  readonly #utf8: boolean;

  constructor(utf8: boolean) {
    this.#utf8 = utf8;
  }

  add(name: string, value: string): void {
    this.addAsIs(labelName(name, this.#utf8), value);
  }

  addAsIs(name: string, value: string): void {
    const known = this.#values.get(name);
    this.#values.set(name, known === undefined ? value : `${known};${value}`);
  }

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  sorted(): Labels {
    return [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
