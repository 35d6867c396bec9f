import { adjustedCount } from '../span/adjusted-count.ts';
import { ATTRIBUTES_OF, AttributeCursor } from '../span/attributes.ts';
import { Interner } from '../span/interner.ts';
import { ScopeReader } from '../span/scope-reader.ts';
import { NONE, type SpanBatch } from '../span/span-batch.ts';
import { LOCAL_ID } from './block-words.ts';
import type { DimensionGlob } from './dimension-glob.ts';
import { ABSENT, TupleKey, ValueBytes } from './dimension-values.ts';
import { ExtraValues, GlobKeys } from './extra-values.ts';

export interface Dimension {
  /** Key of a span attribute or, when the span has none such, of a resource attribute. */
  readonly name: string;
  /** Value where neither has the attribute; without one the label is left out. */
  readonly default?: string | undefined;
}

/** What tells series apart besides service, name, kind and status. */
export interface DimensionSpec {
  readonly dimensions?: readonly Dimension[];
  /** Attributes whose keys match one of these become labels under their own names: SeriesKey.extra. */
  readonly globs?: readonly DimensionGlob[];
  /** Instrumentation scopes of these names are shown; adds the two SCOPE_DIMENSIONS. */
  readonly scopes?: readonly string[];
  /** Tells spans that stand for more than themselves; adds SAMPLING_DIMENSION. */
  readonly samplingMethod?: boolean;
}

/** In this order, behind the configured dimensions. */
export const SCOPE_DIMENSIONS = [
  'span.instrumentation.scope.name',
  'span.instrumentation.scope.version',
] as const;
/** Behind those. */
export const SAMPLING_DIMENSION = 'sampling.method';

const EXTRAPOLATED = Buffer.from('extrapolated');
const COUNTED = Buffer.from('counted');

export function hasDimensions({ dimensions, globs, scopes, samplingMethod }: DimensionSpec): boolean {
  const named = (dimensions?.length ?? 0) + (globs?.length ?? 0) + (scopes?.length ?? 0);
  return named > 0 || samplingMethod === true;
}

type Extra = readonly (readonly [string, string])[];

interface TupleValues {
  readonly dimensions: readonly (string | null)[];
  readonly extra: Extra | undefined;
}

/**
 * The values of the configured dimensions per span, as one dense id per distinct tuple of values. Tuples are
 * kept for the lane's life and bounded; beyond the bound ids begin at LOCAL_ID and last until the next batch.
 */
export class DimensionReader {
  readonly #dimensions: readonly Dimension[];
  readonly #names: readonly Buffer[];
  readonly #tuples: Interner;
  readonly #values: TupleValues[];
  readonly #localIds = new Map<string, number>();
  readonly #localValues: TupleValues[] = [];
  readonly #cursor = new AttributeCursor();
  readonly #key = new TupleKey();
  readonly #globs: GlobKeys | undefined;
  readonly #scopes: ScopeReader | undefined;
  readonly #samplingMethod: boolean;
  #ids = new Uint32Array(1024);
  /** Values of the resource, of the span and of the event in hand. */
  readonly #ofResource: Values;
  readonly #ofSpan: Values;
  readonly #ofEvent: Values;
  #batch: SpanBatch | undefined;
  #resourceInHand = NONE;
  #spanInHand = NONE;

  constructor(spec: DimensionSpec, limit: number) {
    const { dimensions = [], globs = [], scopes = [], samplingMethod = false } = spec;
    this.#dimensions = dimensions;
    this.#names = dimensions.map(({ name }) => Buffer.from(name));
    // Two ids are taken from the start: the empty word and OVERFLOW.
    this.#tuples = new Interner(Math.min(limit + 2, LOCAL_ID));
    this.#globs = globs.length === 0 ? undefined : new GlobKeys(globs);
    this.#scopes = scopes.length === 0 ? undefined : new ScopeReader(scopes);
    this.#samplingMethod = samplingMethod;
    const more = (scopes.length === 0 ? 0 : SCOPE_DIMENSIONS.length) + (samplingMethod ? 1 : 0);
    const none = {
      dimensions: Array.from({ length: dimensions.length + more }, () => null),
      extra: undefined,
    };
    this.#values = [none, none];
    const values = (): Values => ({
      named: dimensions.map(() => new ValueBytes()),
      extra: this.#globs === undefined ? undefined : new ExtraValues(this.#globs),
    });
    this.#ofResource = values();
    this.#ofSpan = values();
    this.#ofEvent = values();
  }

  valuesOf(tuple: number): readonly (string | null)[] {
    return this.#valuesOf(tuple).dimensions;
  }

  /** Labels by glob, sorted by name; undefined where there are none. */
  extraOf(tuple: number): Extra | undefined {
    return this.#valuesOf(tuple).extra;
  }

  #valuesOf(tuple: number): TupleValues {
    const values = tuple >= LOCAL_ID ? this.#localValues[tuple - LOCAL_ID] : this.#values[tuple];
    return values ?? (this.#values[Interner.OVERFLOW] as TupleValues);
  }

  /** To be called before `tupleOf` for the spans of a batch. */
  begin(batch: SpanBatch): void {
    this.#batch = batch;
    this.#resourceInHand = NONE;
    this.#spanInHand = NONE;
    this.#scopes?.begin(batch);
    if (this.#localValues.length === 0) return;
    this.#localIds.clear();
    this.#localValues.length = 0;
  }

  /** The tuple id of every span; valid until the next call. */
  tuplesOf(batch: SpanBatch): Uint32Array {
    const { spans } = batch;
    if (this.#ids.length < spans) this.#ids = new Uint32Array(spans * 2);
    this.begin(batch);
    for (let i = 0; i < spans; i++) {
      this.#take(batch, i);
      this.#ids[i] = this.#idOf(batch, i, undefined);
    }
    return this.#ids;
  }

  /** The tuple id of an event of a span: its attributes come after the span's and before the resource's. */
  tupleOfEvent(span: number, eventAt: number, eventEnd: number): number {
    const batch = this.#batch as SpanBatch;
    if (this.#spanInHand !== span) this.#take(batch, span);
    this.#read(batch.arena, eventAt, eventEnd, ATTRIBUTES_OF.event, this.#ofEvent);
    return this.#idOf(batch, span, this.#ofEvent);
  }

  #take(batch: SpanBatch, span: number): void {
    const { arena, resource, attributesAt, attributesEnd } = batch;
    const owner = resource[span] as number;
    if (owner !== this.#resourceInHand) {
      this.#resourceInHand = owner;
      const at = batch.resourceAt[owner] as number;
      this.#read(arena, at, batch.resourceEnd[owner] as number, ATTRIBUTES_OF.resource, this.#ofResource);
    }
    this.#spanInHand = span;
    const at = attributesAt[span] as number;
    this.#read(arena, at, attributesEnd[span] as number, ATTRIBUTES_OF.span, this.#ofSpan);
  }

  #read(arena: Buffer, at: number, end: number, field: number, into: Values): void {
    const { named, extra } = into;
    for (const value of named) value.clear();
    extra?.clear();
    if (at === end) return;
    const cursor = this.#cursor;
    cursor.reset(arena, at, end, field);
    while (cursor.next()) {
      for (let d = 0; d < named.length; d++) {
        const value = named[d] as ValueBytes;
        if (!value.isPresent && cursor.keyIs(this.#names[d] as Buffer)) value.take(cursor);
      }
      extra?.offer(cursor);
    }
  }

  #idOf(batch: SpanBatch, span: number, ofEvent: Values | undefined): number {
    const { arena } = batch;
    const key = this.#key;
    const own = this.#ofSpan;
    const fallback = this.#ofResource;
    key.clear();
    for (let d = 0; d < own.named.length; d++) {
      let value = own.named[d] as ValueBytes;
      if (!value.isPresent && ofEvent !== undefined) value = ofEvent.named[d] as ValueBytes;
      key.append(arena, value.isPresent ? value : (fallback.named[d] as ValueBytes));
    }
    const scopes = this.#scopes;
    if (scopes !== undefined) {
      scopes.read(batch.scope[span] as number);
      key.appendRange(arena, scopes.nameAt, scopes.isShown ? scopes.nameLength : ABSENT);
      const hasVersion = scopes.isShown && scopes.versionLength > 0;
      key.appendRange(arena, scopes.versionAt, hasVersion ? scopes.versionLength : ABSENT);
    }
    if (this.#samplingMethod) key.appendText(isExtrapolated(batch, span) ? EXTRAPOLATED : COUNTED);
    const globs = this.#globs;
    globs?.append(key, arena, [own.extra, ofEvent?.extra, fallback.extra]);
    const id = this.#tuples.intern(key.bytes, 0, key.used);
    if (id === Interner.OVERFLOW) {
      return this.#local(key.bytes.toString('latin1', 0, key.used), () => this.#decode());
    }
    if (id === this.#values.length) this.#values.push(this.#decode());
    return id;
  }

  /** A tuple with the values of these dimensions replaced by `word`, until the next batch. */
  replaced(tuple: number, dimensions: ReadonlySet<number>, word: string): number {
    const { dimensions: values, extra } = this.#valuesOf(tuple);
    const shown = values.map((value, d) => (dimensions.has(d) ? word : value));
    // No tuple's bytes begin so: the first length would be larger than any.
    const content = `\u00ff\u00ff\u00ff\u00fe${JSON.stringify([shown, extra])}`;
    return this.#local(content, () => ({ dimensions: shown, extra }));
  }

  #local(content: string, values: () => TupleValues): number {
    const known = this.#localIds.get(content);
    if (known !== undefined) return known;
    const id = LOCAL_ID + this.#localValues.length;
    this.#localIds.set(content, id);
    this.#localValues.push(values());
    return id;
  }

  /** The values behind the key just made, defaults filled in. */
  #decode(): TupleValues {
    const key = this.#key;
    key.rewind();
    const count = (this.#values[0] as TupleValues).dimensions.length;
    const dimensions = Array.from(
      { length: count },
      (_, d) => key.next() ?? this.#dimensions[d]?.default ?? null,
    );
    return { dimensions, extra: this.#globs?.decode(key) };
  }
}

interface Values {
  readonly named: readonly ValueBytes[];
  readonly extra: ExtraValues | undefined;
}

/** It has a weight from somewhere, even if that is 1. */
function isExtrapolated({ arena, weight, traceStateAt, traceStateLength }: SpanBatch, span: number): boolean {
  if (weight[span] !== 1) return true;
  const length = traceStateLength[span] as number;
  return length > 0 && adjustedCount(arena, traceStateAt[span] as number, length) > 0;
}
