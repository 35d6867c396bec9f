import type {
  PlainFamilies,
  PlainFamily,
  PlainHistogramPoint,
  PlainLabels,
  PlainPoint,
} from '../../flow/plain-families.ts';
import { Counts } from './counts.ts';
import { LabelBodies } from './label-bodies.ts';
import { escapeLabels, type LabelOptions, type Labels, plainLabels, renderLabels } from './labels.ts';
import { type Escaping, escapeName, metricName, type NameTranslation } from './names.ts';
import type { Family, ShownSeries } from './page-request.ts';
import { labelPairs } from './proto-labels.ts';
import type { BodyKind, SeriesRoom } from './series-store.ts';

export interface PlainSourceOptions extends LabelOptions {
  readonly translation: NameTranslation;
  readonly room: SeriesRoom;
}

const NS_PER_S = 1e9;

/** What a component counts itself, as families of a page: made anew for each page. */
export class PlainSource {
  readonly #families: PlainFamilies;
  readonly #options: PlainSourceOptions;
  readonly #made = new WeakMap<PlainLabels, MadeOfLabels>();
  /** Of what the last page had. */
  #begun: { readonly birth: number; readonly createdMs: number }[] = [];

  constructor(families: PlainFamilies, options: PlainSourceOptions) {
    this.#families = families;
    this.#options = options;
  }

  /** Names of its metrics, as they are before any escaping. */
  get names(): string[] {
    return this.#families.plainFamilies().map((family) => this.#nameOf(family));
  }

  /** The highest birth of series that began before. */
  birthsBefore(wallMs: number): number {
    const old = this.#begun.filter(({ createdMs }) => createdMs < wallMs);
    return old.reduce((most, { birth }) => Math.max(most, birth), 0);
  }

  /** As things are now. */
  shown(kind: BodyKind): Family[] {
    const escaping = kind.replace('protobuf ', '') as Escaping;
    this.#begun = [];
    const families = this.#families.plainFamilies().filter(({ points }) => points.length > 0);
    return families.map((family): Family => {
      const name = this.#nameOf(family);
      const isHistogram = family.kind === 'histogram';
      return {
        name: escapeName(name, escaping),
        type: family.kind,
        help: family.help,
        store: this.#series(family, name, kind),
        source: { unit: 's', bounds: isHistogram ? family.bounds : [] },
      };
    });
  }

  #nameOf(family: PlainFamily): string {
    const isCounter = family.kind === 'counter';
    const unit = isCounter ? '' : 'seconds';
    return metricName(family.name, { unit, isCounter }, this.#options.translation);
  }

  #series(family: PlainFamily, name: string, kind: BodyKind): ShownSeries {
    const points: readonly (PlainPoint | PlainHistogramPoint)[] = family.points;
    const bodies = new LabelBodies();
    const bucketCount = family.kind === 'histogram' ? family.bounds.length + 1 : 0;
    const buckets = new Float64Array(points.length * bucketCount);
    const births = new Float64Array(points.length);
    points.forEach((point, i) => {
      const made = this.#madeOf(point.labels);
      bodies.add(this.#bodyOf(made, { point, family, kind }));
      const birth = made.births.get(name) ?? ++this.#options.room.births;
      made.births.set(name, birth);
      births[i] = birth;
      this.#begun.push({ birth, createdMs: point.createdMs });
      if ('buckets' in point) buckets.set(point.buckets, i * bucketCount);
    });
    return {
      size: points.length,
      bucketCount,
      calls: Float64Array.from(points, (point) => ('value' in point ? point.value : point.count)),
      durationSumNs: Float64Array.from(points, (point) => ('sum' in point ? point.sum * NS_PER_S : 0)),
      buckets: Counts.of(buckets),
      createdMs: Float64Array.from(points, ({ createdMs }) => createdMs),
      births,
      native: undefined,
      exemplars: undefined,
      bodies: () => bodies,
    };
  }

  #madeOf(labels: PlainLabels): MadeOfLabels {
    const known = this.#made.get(labels) ?? { bodies: new Map(), births: new Map() };
    this.#made.set(labels, known);
    return known;
  }

  #bodyOf(
    { bodies }: MadeOfLabels,
    {
      point,
      family,
      kind,
    }: {
      readonly point: PlainPoint | PlainHistogramPoint;
      readonly family: PlainFamily;
      readonly kind: BodyKind;
    },
  ): string | Buffer {
    const key = `${kind} ${family.scope}`;
    const body = bodies.get(key) ?? bodyOf(plainLabels(point.labels, family.scope, this.#options), kind);
    bodies.set(key, body);
    return body;
  }
}

/** What pages have made of a series' labels before. */
interface MadeOfLabels {
  /** By kind and scope. */
  readonly bodies: Map<string, string | Buffer>;
  /** The how manieth series of the exporter it is, by metric. */
  readonly births: Map<string, number>;
}

function bodyOf(labels: Labels, kind: BodyKind): string | Buffer {
  if (!kind.startsWith('protobuf ')) return renderLabels(labels, kind as Escaping);
  return labelPairs(escapeLabels(labels, kind.slice('protobuf '.length) as Escaping));
}
