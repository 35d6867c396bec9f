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
