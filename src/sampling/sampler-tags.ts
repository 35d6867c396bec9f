import { ATTRIBUTES_OF, type AttributeCursor, VALUE } from '../span/attributes.ts';
import type { SpanBatch } from '../span/span-batch.ts';
import { parseGoFloat } from './parse-float.ts';

/** What a root span says about the sampler that kept it. */
export const SAMPLER = { unrecognized: 0, probabilistic: 1, other: 2 } as const;

const TYPE_KEY = Buffer.from('sampler.type');
const PARAM_KEY = Buffer.from('sampler.param');
const PROBABILISTIC = Buffer.from('probabilistic');
/** Known, but they say nothing about how much traffic there is. */
const OTHERS = ['lowerbound', 'ratelimiting', 'const'].map((name) => Buffer.from(name));

/** Reads `sampler.type` and `sampler.param` of a span's own attributes; of a key that comes twice the first counts. */
export class SamplerTags {
  /** `sampler.param`; of no consequence when unrecognized. */
  param = 0;
  readonly #cursor: AttributeCursor;

  constructor(cursor: AttributeCursor) {
    this.#cursor = cursor;
  }

  /** One of SAMPLER. */
  read(batch: SpanBatch, span: number): number {
    const at = batch.attributesAt[span] as number;
    const end = batch.attributesEnd[span] as number;
    const cursor = this.#cursor;
    cursor.reset(batch.arena, at, end, ATTRIBUTES_OF.span);
    if (!cursor.find(TYPE_KEY) || cursor.valueKind !== VALUE.string) return SAMPLER.unrecognized;
    const type = typeOf(cursor);
    if (type === SAMPLER.unrecognized) return type;
    cursor.reset(batch.arena, at, end, ATTRIBUTES_OF.span);
    if (!cursor.find(PARAM_KEY) || !this.#readParam()) return SAMPLER.unrecognized;
    return type;
  }

  /** Numbers as they are, anything else by its text. */
  #readParam(): boolean {
    const { valueKind, numeric, bytes, valueAt, valueLength } = this.#cursor;
    if (valueKind === VALUE.double || valueKind === VALUE.int) {
      this.param = numeric;
      return true;
    }
    if (valueKind !== VALUE.string && valueKind !== VALUE.bytes) return false;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + valueAt, valueLength);
    const param = parseGoFloat(text.toString(valueKind === VALUE.string ? 'latin1' : 'hex'));
    if (param === undefined) return false;
    this.param = param;
    return true;
  }
}

function typeOf(cursor: AttributeCursor): number {
  if (valueIs(cursor, PROBABILISTIC)) return SAMPLER.probabilistic;
  for (const other of OTHERS) if (valueIs(cursor, other)) return SAMPLER.other;
  return SAMPLER.unrecognized;
}

function valueIs({ bytes, valueAt, valueLength }: AttributeCursor, word: Uint8Array): boolean {
  if (valueLength !== word.length) return false;
  for (let i = 0; i < valueLength; i++) if (bytes[valueAt + i] !== word[i]) return false;
  return true;
}
