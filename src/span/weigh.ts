import { adjustedCount, INCONSISTENT, NOT_ADJUSTED } from './adjusted-count.ts';
import { QUALITY, type SpanBatch } from './span-batch.ts';

/** Gives a span that has a trace state the weight that it tells. */
export function weigh(batch: SpanBatch, row: number, weightMax: number): void {
  const at = batch.traceStateAt[row] as number;
  const count = adjustedCount(batch.arena, at, batch.traceStateLength[row] as number);
  if (count > weightMax) {
    batch.weight[row] = weightMax;
    batch.quality[row] = (batch.quality[row] as number) | QUALITY.cappedWeight;
  } else if (count === INCONSISTENT) {
    batch.quality[row] = (batch.quality[row] as number) | QUALITY.inconsistentWeight;
  } else if (count !== NOT_ADJUSTED) batch.weight[row] = count;
}
