import type { ProtoWriter } from '../../span/proto-writer.ts';
import type { NativeHistogram } from './native-histograms.ts';

const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
/** Durations are whole ns: what is not longer than this is 0. */
const ZERO_THRESHOLD = 2 ** -128;
/** A gap up to so many empty buckets costs less than another span. */
const LARGEST_GAP = 2;

interface Span {
  /** Empty buckets since the last span; the first one's is its index. */
  readonly offset: number;
  readonly counts: number[];
}

/**
 * The fields of io.prometheus.client.Histogram that make a native histogram. Prometheus numbers a bucket by its
 * upper bound: bucket k ends at 2^(k / 2^schema).
 */
export function writeNativeHistogram(writer: ProtoWriter, histogram: NativeHistogram, isNew: boolean): void {
  const { schema, zero, first, counts, isFloat } = histogram;
  const spans = isNew ? [] : spansOf(first + 1, counts);
  const shownZero = isNew ? 0 : zero;
  let total = shownZero;
  for (const span of spans) for (const count of span.counts) total += count;

  writeCount(writer, isFloat ? 4 : 1, total, isFloat);
  signedVarint(writer, 5, schema);
  writer.tag(6, FIXED64);
  writer.double(ZERO_THRESHOLD);
  writeCount(writer, isFloat ? 8 : 7, shownZero, isFloat);
  for (const { offset, counts } of spans) {
    writer.tag(12, DELIMITED);
    const at = writer.begin();
    signedVarint(writer, 1, offset);
    writer.tag(2, VARINT);
    writer.varint(counts.length);
    writer.end(at);
  }
  if (spans.length === 0) return;
  if (isFloat) {
    writer.tag(14, DELIMITED);
    const at = writer.begin();
    for (const span of spans) for (const count of span.counts) writer.double(count);
    writer.end(at);
    return;
  }
  // Each count as its difference from the one before.
  writer.tag(13, DELIMITED);
  const at = writer.begin();
  let before = 0;
  for (const span of spans) {
    for (const count of span.counts) {
      writer.varint(zigzag(count - before));
      before = count;
    }
  }
  writer.end(at);
}

function spansOf(firstIndex: number, counts: Float64Array): Span[] {
  const spans: Span[] = [];
  /** Index after the last span's last bucket. */
  let end = 0;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    if (count === 0) continue;
    const index = firstIndex + i;
    const last = spans.at(-1);
    if (last === undefined || index - end > LARGEST_GAP) {
      spans.push({ offset: index - end, counts: [count] });
    } else {
      while (end < index) {
        last.counts.push(0);
        end++;
      }
      last.counts.push(count);
    }
    end = index + 1;
  }
  return spans;
}

function writeCount(writer: ProtoWriter, field: number, count: number, isFloat: boolean): void {
  writer.tag(field, isFloat ? FIXED64 : VARINT);
  if (isFloat) writer.double(count);
  else writer.varint(count);
}

function signedVarint(writer: ProtoWriter, field: number, value: number): void {
  writer.tag(field, VARINT);
  writer.varint(zigzag(value));
}

/** Small numbers of either sign become small ones. Exact up to 2^52. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}
