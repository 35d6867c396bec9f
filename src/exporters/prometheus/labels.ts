import type { RedDescription } from '../../red/red-description.ts';
import type { ResourceInfo, SeriesKey } from '../../red/red-rows.ts';
import { OVERFLOW_WORD } from '../../span/dictionary.ts';
import { type Escaping, escapeName, escapeValue, labelName, quoteName } from './names.ts';

export type Labels = readonly (readonly [string, string])[];

export interface LabelOptions {
  readonly utf8: boolean;
  readonly constLabels: Readonly<Record<string, string>>;
  readonly scopeInfo: boolean;
}

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const;
const STATUSES = ['UNSET', 'OK', 'ERROR'] as const;
const SCOPE_NAME = 'spanmetricsconnector';

/** Names, values and order of the labels of a connector's series. */
export class SeriesLabels {
  readonly #description: RedDescription;
  readonly #options: LabelOptions;

  constructor(description: RedDescription, options: LabelOptions) {
    this.#description = description;
    this.#options = options;
  }

  /** Translated, not escaped; sorted by name. */
  of(key: SeriesKey): Labels {
    const { dimensions, excluded } = this.#description;
    const labels = new LabelSet(this.#options.utf8);
    if (!excluded.has('service.name')) labels.add('service.name', key.service);
    if (!excluded.has('span.name')) labels.add('span.name', key.spanName);
    if (!excluded.has('span.kind')) labels.add('span.kind', `SPAN_KIND_${KINDS[key.kind] ?? KINDS[0]}`);
    if (!excluded.has('status.code')) {
      labels.add('status.code', `STATUS_CODE_${STATUSES[key.statusCode] ?? STATUSES[0]}`);
    }
    key.dimensions.forEach((value, i) => {
      // Prometheus keeps `le` for the buckets.
      const name = dimensions[i] as string;
      if (value !== null) labels.add(name === 'le' ? 'exported_le' : name, value);
    });
    if (key.spanName === OVERFLOW_WORD) labels.add('otel.metric.overflow', 'true');
    if (this.#options.scopeInfo) {
      labels.add('otel_scope_name', SCOPE_NAME);
      labels.add('otel_scope_version', '');
      labels.add('otel_scope_schema_url', '');
    }
    labels.add('job', jobOf(key));
    if (key.instance !== '') labels.add('instance', key.instance);
    for (const [name, value] of Object.entries(this.#options.constLabels)) labels.addAsIs(name, value);
    return labels.sorted();
  }
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

/** `a="1",b="2"`; names that fall together once escaped keep their values, joined. */
export function renderLabels(labels: Labels, escaping: Escaping): string {
  const rendered = new Map<string, string>();
  for (const [name, value] of labels) {
    const escaped = escapeName(name, escaping);
    const known = rendered.get(escaped);
    rendered.set(escaped, known === undefined ? value : `${known};${value}`);
  }
  return [...rendered].map(([name, value]) => `${quoteName(name)}="${escapeValue(value)}"`).join(',');
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
