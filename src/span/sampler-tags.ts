import { ATTRIBUTES_OF, type AttributeCursor, VALUE } from './attributes.ts';
import { parseGoFloat } from './parse-float.ts';
import type { SpanBatch } from './span-batch.ts';

/** What a root span says about the sampler that kept it. Those from `lowerbound` on say nothing of how much traffic there is. */
export const SAMPLER = {
  unrecognized: 0,
  probabilistic: 1,
  lowerbound: 2,
  ratelimiting: 3,
  const: 4,
} as const;

/** Those that Jaeger reads. */
const JAEGER_KEYS = { type: Buffer.from('sampler.type'), param: Buffer.from('sampler.param') };
/** Those of OpenTelemetry's sampler for Go. */
const GO_KEYS = { type: Buffer.from('jaeger.sampler.type'), param: Buffer.from('jaeger.sampler.param') };

const TYPES = [
  [Buffer.from('probabilistic'), SAMPLER.probabilistic],
  [Buffer.from('lowerbound'), SAMPLER.lowerbound],
  [Buffer.from('ratelimiting'), SAMPLER.ratelimiting],
  [Buffer.from('const'), SAMPLER.const],
] as const;

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
    const param = numberOf(this.#cursor);
    if (param === undefined) return false;
    this.param = param;
    return true;
  }
}

/** Of the attribute that a cursor stands on: a number as it is, text as Go reads it; undefined where it is none. */
export function numberOf(cursor: AttributeCursor): number | undefined {
  const { valueKind, numeric, bytes, valueAt, valueLength } = cursor;
  if (valueKind === VALUE.double || valueKind === VALUE.int) return numeric;
  if (valueKind !== VALUE.string && valueKind !== VALUE.bytes) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + valueAt, valueLength);
  return parseGoFloat(text.toString(valueKind === VALUE.string ? 'latin1' : 'hex'));
}

function typeOf(cursor: AttributeCursor): number {
  for (const [name, type] of TYPES) if (valueIs(cursor, name)) return type;
  return SAMPLER.unrecognized;
}

function valueIs({ bytes, valueAt, valueLength }: AttributeCursor, word: Uint8Array): boolean {
  if (valueLength !== word.length) return false;
  for (let i = 0; i < valueLength; i++) if (bytes[valueAt + i] !== word[i]) return false;
  return true;
}
