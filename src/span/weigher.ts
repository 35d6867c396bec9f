import { ATTRIBUTES_OF, AttributeCursor } from './attributes.ts';
import { readIdentity } from './resource-cache.ts';
import { numberOf, SAMPLER, SamplerTags } from './sampler-tags.ts';
import { NONE, QUALITY, type SpanBatch } from './span-batch.ts';
import { setWeight } from './weigh.ts';
import { WeightOfTrace } from './weight-of-trace.ts';

export interface WeigherOptions {
  /** Key of a span or resource attribute that tells the share of traces that is kept, in (0, 1]; '' = none. */
  readonly attribute: string;
  /** Whether roots are asked for the sampler.type and sampler.param that kept them. */
  readonly samplerTags: boolean;
  /** The most original spans that one span may claim to stand for. */
  readonly weightMax: number;
}

/**
 * Gives the spans of a complete batch the weights that their trace states (read by the scanner) do not tell: by an
 * attribute, by the tags of the sampler that kept their root, or by what their root says, in this order. What a span
 * weighs depends on its record alone, so that a topic that is read again in other blocks gives the same numbers.
 */
export class Weigher {
  readonly #options: WeigherOptions;
  readonly #attribute: Buffer;
  readonly #cursor = new AttributeCursor();
  readonly #tags = new SamplerTags(this.#cursor);
  readonly #roots = new WeightOfTrace();
  /** Rows of the batch. */
  #probabilistic: number[] = [];
  #lowerBound: number[] = [];

  constructor(options: WeigherOptions) {
    this.#options = options;
    this.#attribute = Buffer.from(options.attribute);
  }

  weigh(batch: SpanBatch): void {
    const { record, spans } = batch;
    let from = 0;
    while (from < spans) {
      let end = from + 1;
      while (end < spans && record[end] === record[from]) end++;
      this.#weighRecord(batch, from, end);
      from = end;
    }
  }

  #weighRecord(batch: SpanBatch, from: number, end: number): void {
    const { samplerTags } = this.#options;
    const { parentIdAt, traceIdAt, quality, weight, view } = batch;
    const hasAttribute = this.#attribute.length > 0;
    const roots = this.#roots;
    roots.clear();
    let untold = 0;
    for (let i = from; i < end; i++) {
      const isTold = ((quality[i] as number) & QUALITY.weighed) !== 0;
      if (!isTold && hasAttribute) this.#readAttribute(batch, i);
      if (parentIdAt[i] !== NONE) {
        if (((quality[i] as number) & QUALITY.weighed) === 0) untold++;
        continue;
      }
      if (samplerTags && ((quality[i] as number) & QUALITY.weighed) === 0) this.#readTags(batch, i);
      if (weight[i] !== 1) roots.put(view, traceIdAt[i] as number, weight[i] as number);
    }
    if (this.#lowerBound.length > 0) this.#judgeLowerBounds(batch);
    this.#probabilistic.length = 0;
    if (untold > 0 && roots.size > 0) this.#inherit(batch, from, end);
  }

  /** Of the span or, where it has none, of its resource. */
  #readAttribute(batch: SpanBatch, row: number): void {
    const { arena, attributesAt, attributesEnd, resource } = batch;
    const cursor = this.#cursor;
    cursor.reset(arena, attributesAt[row] as number, attributesEnd[row] as number, ATTRIBUTES_OF.span);
    if (!cursor.find(this.#attribute)) {
      const owner = resource[row] as number;
      const end = batch.resourceEnd[owner] as number;
      cursor.reset(arena, batch.resourceAt[owner] as number, end, ATTRIBUTES_OF.resource);
      if (!cursor.find(this.#attribute)) return;
    }
    this.#take(batch, row, numberOf(cursor));
  }

  #readTags(batch: SpanBatch, row: number): void {
    if (batch.attributesEnd[row] === 0) return;
    const tags = this.#tags;
    tags.read(batch, row);
    switch (tags.type) {
      case SAMPLER.probabilistic:
        this.#take(batch, row, tags.param);
        this.#probabilistic.push(row);
        break;
      case SAMPLER.const:
        setWeight(batch, row, 1, this.#options.weightMax);
        break;
      case SAMPLER.ratelimiting:
        batch.quality[row] = (batch.quality[row] as number) | QUALITY.unknownRate;
        break;
      case SAMPLER.lowerbound:
        this.#lowerBound.push(row);
        break;
    }
  }

  #take(batch: SpanBatch, row: number, ratio: number | undefined): void {
    if (ratio !== undefined && ratio > 0 && ratio <= 1) {
      setWeight(batch, row, 1 / ratio, this.#options.weightMax);
    } else batch.quality[row] = (batch.quality[row] as number) | QUALITY.inconsistentWeight;
  }

  /**
   * A root that a lower bound kept was turned away by probability first, so those that probability kept stand for it
   * already: it weighs nothing. Where there are none of its operation it is all that is known, and counts as one.
   */
  #judgeLowerBounds(batch: SpanBatch): void {
    const known = new Set(this.#probabilistic.map((row) => this.#operationOf(batch, row)));
    for (const row of this.#lowerBound) {
      if (known.has(this.#operationOf(batch, row))) {
        setWeight(batch, row, 0, this.#options.weightMax);
        this.#roots.put(batch.view, batch.traceIdAt[row] as number, 0);
      } else batch.quality[row] = (batch.quality[row] as number) | QUALITY.unknownRate;
    }
    this.#lowerBound.length = 0;
  }

  /** Read from the bytes: what the dictionary has room for is no business of the batch. */
  #operationOf(batch: SpanBatch, row: number): string {
    const { arena, nameAt, nameLength, resource, resourceAt, resourceEnd } = batch;
    const at = nameAt[row] as number;
    const name = arena.toString('latin1', at, at + (nameLength[row] as number));
    const owner = resource[row] as number;
    const end = resourceEnd[owner] as number;
    const { service } = readIdentity(this.#cursor, arena, resourceAt[owner] as number, end);
    return `${service ?? ''}\u0000${name}`;
  }

  #inherit(batch: SpanBatch, from: number, end: number): void {
    const { parentIdAt, traceIdAt, quality, view } = batch;
    for (let i = from; i < end; i++) {
      if (parentIdAt[i] === NONE || ((quality[i] as number) & QUALITY.weighed) !== 0) continue;
      const weight = this.#roots.get(view, traceIdAt[i] as number);
      if (weight >= 0) setWeight(batch, i, weight, this.#options.weightMax);
    }
  }
}
