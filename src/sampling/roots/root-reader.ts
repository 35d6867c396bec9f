import { coarseClassOf, HIGH_WORD } from '../../sketch/duration-classes.ts';
import type { AttributeCursor } from '../../span/attributes.ts';
import { NONE, QUALITY, type SpanBatch } from '../../span/span-batch.ts';
import { NO_CLASS, RootClasses } from './root-classes.ts';
import { variateKindOf } from './sdk-language.ts';
import { traceIdVariate, type VariateKind } from './trace-id-variate.ts';
import { variateClass } from './variate-classes.ts';

/** Notes the classes of a batch's roots: of their trace ids' variates, by the SDK of their resource, and of their durations. */
export class RootReader {
  readonly classes = new RootClasses();
  readonly #cursor: AttributeCursor;
  /** Per resource of the batch that was asked for; null = its rule is not known. */
  #kinds: (VariateKind | null)[] = [];
  #durationBits: Uint32Array = new Uint32Array(0);

  constructor(cursor: AttributeCursor) {
    this.#cursor = cursor;
  }

  begin(batch: SpanBatch): void {
    this.classes.reset();
    this.#kinds = [];
    const { buffer, byteOffset, length } = batch.durationNs;
    this.#durationBits = new Uint32Array(buffer, byteOffset, length * 2);
  }

  /** Whether the root has a variate; `isUntold` = it is wanted. */
  note(batch: SpanBatch, span: number, entry: number, isUntold: boolean): boolean {
    const variate = isUntold ? this.#variateClass(batch, span) : NO_CLASS;
    this.classes.add(entry, variate, coarseClassOf(this.#durationBits[2 * span + HIGH_WORD] as number));
    return variate !== NO_CLASS;
  }

  #variateClass(batch: SpanBatch, span: number): number {
    const at = batch.traceIdAt[span] as number;
    if (at === NONE || ((batch.quality[span] as number) & QUALITY.invalidId) !== 0) return NO_CLASS;
    const resource = batch.resource[span] as number;
    let kind = this.#kinds[resource];
    if (kind === undefined) {
      kind = variateKindOf(this.#cursor, batch, resource) ?? null;
      this.#kinds[resource] = kind;
    }
    return kind === null ? NO_CLASS : variateClass(traceIdVariate(kind, batch.arena, at));
  }
}
