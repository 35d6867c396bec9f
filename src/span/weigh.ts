import { adjustedCount, INCONSISTENT } from './adjusted-count.ts';
import { QUALITY, type SpanBatch } from './span-batch.ts';

/** Gives a span that has a trace state the weight that it tells. */
export function weigh(batch: SpanBatch, row: number, weightMax: number): void {
  const at = batch.traceStateAt[row] as number;
  const count = adjustedCount(batch.arena, at, batch.traceStateLength[row] as number);
  if (count > 0) setWeight(batch, row, count, weightMax);
  else if (count === INCONSISTENT) {
    batch.quality[row] = (batch.quality[row] as number) | QUALITY.inconsistentWeight;
  }
}

/** `weight` is what the span, or who speaks for it, says: at least 0. */
export function setWeight(batch: SpanBatch, row: number, weight: number, weightMax: number): void {
  const isCapped = weight > weightMax;
  batch.weight[row] = isCapped ? weightMax : weight;
  batch.quality[row] =
    (batch.quality[row] as number) | QUALITY.weighed | (isCapped ? QUALITY.cappedWeight : 0);
}
