import { ATTRIBUTES_OF, type AttributeCursor, VALUE } from '../../span/attributes.ts';
import type { SpanBatch } from '../../span/span-batch.ts';
import { parseGoFloat } from './parse-float.ts';

/** What a root span says about the sampler that kept it. */
export const SAMPLER = { unrecognized: 0, probabilistic: 1, other: 2 } as const;

/** Those that Jaeger reads. */
const JAEGER_KEYS = { type: Buffer.from('sampler.type'), param: Buffer.from('sampler.param') };
/** Those of OpenTelemetry's sampler for Go. */
const GO_KEYS = { type: Buffer.from('jaeger.sampler.type'), param: Buffer.from('jaeger.sampler.param') };

const PROBABILISTIC = Buffer.from('probabilistic');
/** Known, but they say nothing about how much traffic there is. */
const OTHERS = ['lowerbound', 'ratelimiting', 'const'].map((name) => Buffer.from(name));

/**
 * Reads the sampler's type and param of a span's own attributes, Jaeger's before those of Go; of a key that comes
 * twice the first counts.
 */
export class SamplerTags {
  /** Of either kind of tags the type alone, whatever the param is: one of SAMPLER. */
  type: number = SAMPLER.unrecognized;
  /** The param; NaN where there is none that is a number (or where it says so). */
  param = Number.NaN;
  readonly #cursor: AttributeCursor;

  constructor(cursor: AttributeCursor) {
    this.#cursor = cursor;
  }

  /** One of SAMPLER, as Jaeger sees it: its own tags, and a type counts only with a param. */
  read(batch: SpanBatch, span: number): number {
    this.type = SAMPLER.unrecognized;
    this.param = Number.NaN;
    const cursor = this.#cursor;
    this.#reset(batch, span);
    // Most roots have neither, and are looked through once.
    if (!cursor.findEither(JAEGER_KEYS.type, GO_KEYS.type)) return SAMPLER.unrecognized;
    const isGoFirst = cursor.keyIs(GO_KEYS.type);
    if (!isGoFirst || cursor.find(JAEGER_KEYS.type)) {
      const type = this.#readTags(batch, span, JAEGER_KEYS.param);
      if (this.type !== SAMPLER.unrecognized) return type;
    }
    this.#reset(batch, span);
    if (cursor.find(GO_KEYS.type)) this.#readTags(batch, span, GO_KEYS.param);
    return SAMPLER.unrecognized;
  }

  #reset(batch: SpanBatch, span: number): void {
    const at = batch.attributesAt[span] as number;
    this.#cursor.reset(batch.arena, at, batch.attributesEnd[span] as number, ATTRIBUTES_OF.span);
  }

  /** With the cursor on the type. */
  #readTags(batch: SpanBatch, span: number, paramKey: Uint8Array): number {
    if (this.#cursor.valueKind !== VALUE.string) return SAMPLER.unrecognized;
    this.type = typeOf(this.#cursor);
    if (this.type === SAMPLER.unrecognized) return SAMPLER.unrecognized;
    this.#reset(batch, span);
    return this.#cursor.find(paramKey) && this.#readParam() ? this.type : SAMPLER.unrecognized;
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
