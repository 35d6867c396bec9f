import { NONE, type SpanBatch } from '../../span/span-batch.ts';

/** Span indexes of a batch, those of a trace together and in batch order. */
export interface TraceGroups {
  readonly spans: Uint32Array;
  /** Group g is [ends[g - 1] or 0, ends[g]) of `spans`. */
  readonly ends: Uint32Array;
  readonly groups: number;
}

/** All spans in batch order, as one group. */
export function asOneGroup(batch: SpanBatch): TraceGroups {
  const spans = new Uint32Array(batch.spans);
  for (let i = 0; i < spans.length; i++) spans[i] = i;
  return { spans, ends: Uint32Array.of(batch.spans), groups: batch.spans === 0 ? 0 : 1 };
}

/** Groups by trace id; spans without one are a group of their own. Counting sort over an open hash table. */
export function byTrace(batch: SpanBatch): TraceGroups {
  const count = batch.spans;
  const groupOf = new Uint32Array(count);
  const firstSpan = new Uint32Array(count);
  const sizes = new Uint32Array(count);
  let slots = 16;
  while (slots < count * 2) slots *= 2;
  const table = new Uint32Array(slots);
  let groups = 0;
  for (let span = 0; span < count; span++) {
    const at = batch.traceIdAt[span] as number;
    let slot = hash(batch.arena, at) & (slots - 1);
    for (;;) {
      const entry = table[slot] as number;
      if (entry === 0) {
        firstSpan[groups] = span;
        table[slot] = ++groups;
        groupOf[span] = groups - 1;
        break;
      }
      if (isSame(batch, at, batch.traceIdAt[firstSpan[entry - 1] as number] as number)) {
        groupOf[span] = entry - 1;
        break;
      }
      slot = (slot + 1) & (slots - 1);
    }
    const group = groupOf[span] as number;
    sizes[group] = (sizes[group] as number) + 1;
  }
  return sorted(groupOf, sizes, groups);
}

function sorted(groupOf: Uint32Array, sizes: Uint32Array, groups: number): TraceGroups {
  const ends = new Uint32Array(groups);
  const next = new Uint32Array(groups);
  let at = 0;
  for (let group = 0; group < groups; group++) {
    next[group] = at;
    at += sizes[group] as number;
    ends[group] = at;
  }
  const spans = new Uint32Array(groupOf.length);
  for (let span = 0; span < groupOf.length; span++) {
    const group = groupOf[span] as number;
    const place = next[group] as number;
    spans[place] = span;
    next[group] = place + 1;
  }
  return { spans, ends, groups };
}

/** Trace ids are random, or at least their last bytes are. */
function hash(arena: Buffer, at: number): number {
  if (at === NONE) return 0;
  return (arena.readUInt32LE(at + 12) ^ Math.imul(arena.readUInt32LE(at + 8), 0x9e3779b1)) >>> 0;
}

function isSame({ arena }: SpanBatch, a: number, b: number): boolean {
  if (a === NONE || b === NONE) return a === b;
  for (let i = 0; i < 16; i++) if (arena[a + i] !== arena[b + i]) return false;
  return true;
}
