import { ATTRIBUTES_OF, type AttributeCursor, VALUE } from '../../span/attributes.ts';
import type { SpanBatch } from '../../span/span-batch.ts';

/**
 * The operation that roots are counted under whose own names could be any number: names that hold ids, and those
 * beyond the bound of a service. An SDK looks for the exact name that a span begins with, so nothing that is
 * served for a pattern would ever be found: all of these sample with their service's default probability.
 * No span that is counted has this name: the empty one is ignored.
 */
export const SHARED_OPERATION = '';

/**
 * What the semantic conventions keep free of ids: a name that ends with one of these is as good as they are,
 * whatever digits it has.
 */
const VOUCHING = ['http.route', 'url.template', 'messaging.destination.template', 'rpc.method'].map((key) =>
  Buffer.from(key),
);

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const EMAIL = /[^\s/@]@[^\s/@]+\.[a-z]/i;
const IP = /(?:^|[^\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:$|[^\d.])/;
/** A whole segment of a path, or the value of a parameter. */
const NUMBER_IN_PLACE_OF_A_WORD = /(?:\/|= ?)\d+(?=$|[/?&;,:#\s)])/;
const LONG_NUMBER = /(?:^|[^a-z0-9])\d{3,}(?=$|[^a-z0-9])/i;
const WORDS = /[a-z0-9]{8,}/gi;

/** Names longer than this hold more than a name: statements, whole URLs. */
const MAX_NAME = 256;

/**
 * Whether a span's name has ids, UUIDs or numbers in it, so that there may be one for each user, order or day.
 * Up to two digits outside a path are let be: they make a hundred names at most.
 */
export function holdsId(name: string): boolean {
  if (name.length > MAX_NAME) return true;
  if (!/\d|@/.test(name)) return false;
  if (UUID.test(name) || EMAIL.test(name) || IP.test(name)) return true;
  if (NUMBER_IN_PLACE_OF_A_WORD.test(name) || LONG_NUMBER.test(name)) return true;
  for (const [word] of name.matchAll(WORDS)) if (isRandom(word)) return true;
  return false;
}

/** Hex digits, or letters and digits that change places too often for a word with a number. */
function isRandom(word: string): boolean {
  if (!/\d/.test(word)) return false;
  if (/^(?:[0-9a-f]+|[0-9A-F]+)$/.test(word)) return true;
  return word.length >= 12 && (word.match(/[a-z](?=\d)|\d(?=[a-z])/gi)?.length ?? 0) >= 4;
}

/** Whether an attribute of the semantic conventions says that the span's name is one of a few. */
export function isVouchedFor(cursor: AttributeCursor, batch: SpanBatch, span: number): boolean {
  const nameAt = batch.nameAt[span] as number;
  const nameLength = batch.nameLength[span] as number;
  for (const key of VOUCHING) {
    const [at, end] = [batch.attributesAt[span] as number, batch.attributesEnd[span] as number];
    cursor.reset(batch.arena, at, end, ATTRIBUTES_OF.span);
    if (!cursor.find(key) || cursor.valueKind !== VALUE.string || cursor.valueLength === 0) continue;
    const { valueAt, valueLength } = cursor;
    const from = nameLength - valueLength;
    if (from < 0 || (from > 0 && batch.arena[nameAt + from - 1] !== SPACE)) continue;
    if (isSame(batch.arena, nameAt + from, valueAt, valueLength)) return true;
  }
  return false;
}

function isSame(bytes: Uint8Array, at: number, otherAt: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[at + i] !== bytes[otherAt + i]) return false;
  return true;
}

const SPACE = 0x20;
